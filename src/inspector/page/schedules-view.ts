/** Schedules: what is next on a time line, what was missed, and the runs of one schedule with their jobs. */
import type { RunsView, SchedulePage, ScheduleView } from '#shared/wire/schedule-service';
import { ui, written } from '#shared/page/ui';
import { PolledView } from './polled-view.ts';
import { askSession, call, hidesTexts, messageOf } from './api.ts';
import { duration, moment } from './format.ts';

/** The page asks again at this interval while the view is shown. */
const lookMs = 3_000;
const lineHours = 24;
const hourMs = 3_600_000;
const runsShown = 50;

interface Opened {
  schedule: ScheduleView;
  runs: RunsView['runs'];
}

export class SchedulesView extends PolledView {
  #schedules: ScheduleView[] | null = null;
  #isMore = false;
  #openId = '';
  #opened: Opened | null = null;
  /** The schedule whose deletion waits for a second click. */
  #asked = '';
  #problem = '';
  /** The configuration shows only lengths of texts; null: not asked yet. */
  #isRedacted: boolean | null = null;

  constructor() {
    super(
      ui`<section class="drafts-view schedules-view" aria-label="Schedules" tabindex="-1" />`,
      lookMs,
    );
    this.draw();
  }

  /** `id`: the schedule whose runs to show; '' for the list. */
  open(id: string): void {
    if (this.#openId !== id) this.#opened = null;
    this.#openId = id;
    this.#asked = '';
    this.draw();
    this.poll();
  }

  protected async look(): Promise<void> {
    const id = this.#openId;
    try {
      this.#isRedacted ??= (await askSession()).redaction === 'texts';
      if (id === '') {
        const page = await call<SchedulePage>('/schedules?limit=200');
        this.#schedules = page.schedules;
        this.#isMore = page.next !== null;
      } else {
        const path = `/schedules/${encodeURIComponent(id)}`;
        const [schedule, { runs }] = await Promise.all([
          call<ScheduleView>(path),
          call<RunsView>(`${path}/runs?limit=${runsShown}`),
        ]);
        if (this.#openId === id) this.#opened = { schedule, runs };
      }
      this.#problem = '';
    } catch (error) {
      this.#problem = messageOf(error);
    }
    this.draw();
  }

  async #tell(id: string, verb: 'pause' | 'resume' | 'run' | 'delete'): Promise<void> {
    const path = `/schedules/${encodeURIComponent(id)}`;
    this.#asked = '';
    try {
      // Without `user_id`: the core takes the user from the key.
      if (verb === 'delete') await call(path, undefined, undefined, 'DELETE');
      else await call(`${path}/${verb}`, {});
      await this.look();
    } catch (error) {
      this.#problem = messageOf(error);
      this.draw();
    }
  }

  protected content() {
    return ui`<div>
      <h2>Schedules</h2>
      <p role="alert" class="problem">${this.#problem}</p>
      ${this.#openId === '' ? this.#list() : this.#one()}
    </div>`;
  }

  #list() {
    const all = this.#schedules;
    if (all === null) return ui`<p class="empty">Asking the core …</p>`;
    const ahead = all
      .filter(({ next_at }) => next_at !== null)
      .toSorted((one, two) => Date.parse(one.next_at!) - Date.parse(two.next_at!));
    const paused = all.filter(({ state }) => state === 'paused');
    const lost = all.filter(({ missed, undelivered_at: at }) => missed > 0 || at !== null);
    return ui`
      ${timeLine(ahead, this.#textOf)}
      <h3>Next (${ahead.length}${this.#isMore ? ', and more' : ''})</h3>
      ${this.#table('Next', ahead)}
      <h3>Paused (${paused.length})</h3>${this.#table('Paused', paused)}
      <h3>Missed or not delivered (${lost.length})</h3>${this.#table('Missed or not delivered', lost)}`;
  }

  #table(label: string, rows: readonly ScheduleView[]) {
    if (rows.length === 0) return ui`<p class="note">None.</p>`;
    const heads = ['schedule', 'next', 'person', 'kind', 'notes'];
    return ui`<table aria-label=${label}>
      <thead><tr>${heads.map((head) => ui`<th scope="col">${head}</th>`)}<td /></tr></thead>
      <tbody>
        ${rows.map(
          (one) => ui`<tr data-id=${one.schedule_id} key=${one.schedule_id}>
            <th scope="row"><a href="#/schedules/${one.schedule_id}" dir="auto">${this.#textOf(one)}</a></th>
            <td data-label="next">${nextOf(one)}</td>
            <td data-label="person">${written(one.user_id)}</td>
            <td data-label="kind">${one.kind}</td>
            <td class="wide" data-label="notes">${notesOf(one)}</td>
            <td>${this.#buttons(one)}</td>
          </tr>`,
        )}
      </tbody>
    </table>`;
  }

  #buttons({ schedule_id: id, state }: ScheduleView) {
    if (state !== 'active' && state !== 'paused') return '';
    const rest =
      state === 'active' ? (['Pause', 'pause'] as const) : (['Resume', 'resume'] as const);
    return ui`<span class="schedule-buttons">
      <button type="button" onclick=${() => void this.#tell(id, rest[1])}>${rest[0]}</button>
      <button type="button" onclick=${() => void this.#tell(id, 'run')}>Run now</button>
      ${
        this.#asked === id
          ? ui`<button type="button" class="danger" onclick=${() => void this.#tell(id, 'delete')}>Really delete</button>`
          : ui`<button type="button" onclick=${() => this.#ask(id)}>Delete</button>`
      }
    </span>`;
  }

  #textOf = ({ text }: ScheduleView): string =>
    this.#isRedacted !== false || hidesTexts() ? `[${text.length} characters]` : text;

  #ask(id: string): void {
    this.#asked = id;
    this.draw();
  }

  #one() {
    if (this.#opened === null) return ui`<p class="empty">Asking the core …</p>`;
    const { schedule, runs } = this.#opened;
    const place = [schedule.channel, schedule.thread ?? ''].filter((part) => part !== '');
    const rule = 'cron' in schedule.rule ? schedule.rule.cron : schedule.rule.once;
    return ui`
      <p><a href="#/schedules">All schedules</a></p>
      <h3 dir="auto">${this.#textOf(schedule)}</h3>
      <p class="job-facts">
        <span class="pill ${schedule.state === 'paused' ? 'asks' : 'good'}">${schedule.state}</span>
        <span>${`${schedule.kind} · ${rule} · ${schedule.zone} · to ${place.join('/')}`}</span>
        ${this.#buttons(schedule)}
      </p>
      <p class="note">${`Next: ${nextOf(schedule)}. ${notesOf(schedule)}`}</p>
      <h3>Runs (${runs.length})</h3>
      ${runs.length === 0 ? ui`<p class="note">It has not run yet.</p>` : runsTable(runs)}`;
  }
}

function nextOf({ next_at: at }: ScheduleView): string {
  if (at === null) return '–';
  const ms = Date.parse(at) - Date.now();
  return `${moment(at)}, ${ms > 0 ? `in ${duration(ms)}` : 'due'}`;
}

const notesOf = (one: ScheduleView): string =>
  [
    one.pause_reason === null ? '' : `paused: ${one.pause_reason}`,
    one.missed > 0 ? `${one.missed} missed` : '',
    one.failures > 0 ? `${one.failures} failed in a row` : '',
    one.undelivered_at === null ? '' : `not delivered ${moment(one.undelivered_at)}`,
  ]
    .filter((note) => note !== '')
    .join('; ');

/** The next hours; each mark is one schedule. The table below says the same in words. */
function timeLine(ahead: readonly ScheduleView[], textOf: (one: ScheduleView) => string) {
  const now = Date.now();
  const soon = ahead.filter(({ next_at }) => Date.parse(next_at!) - now < lineHours * hourMs);
  const at = (ms: number): number => 10 + (980 * Math.max(0, ms)) / (lineHours * hourMs);
  const label = `${soon.length} of ${ahead.length} are due within ${lineHours} hours`;
  return ui`<figure class="time-line">
    <svg viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" aria-label=${label}>
      <line x1="10" y1="20" x2="990" y2="20" />
      ${[0, 6, 12, 18, 24].map((hour) => ui`<line x1=${at(hour * hourMs)} x2=${at(hour * hourMs)} y1="12" y2="28" />`)}
      ${soon.map(
        (one) =>
          ui`<rect key=${one.schedule_id} x=${at(Date.parse(one.next_at!) - now) - 4} y="6" width="8" height="28"><title>${textOf(one)}</title></rect>`,
      )}
    </svg>
    <figcaption>${['now', '+6 h', '+12 h', '+18 h', '+24 h'].map((text) => ui`<span>${text}</span>`)}</figcaption>
  </figure>`;
}

function runsTable(runs: RunsView['runs']) {
  const heads = ['scheduled time', 'what became of it', 'at', 'missed before'];
  return ui`<table aria-label="Runs">
    <thead><tr>${heads.map((head) => ui`<th scope="col">${head}</th>`)}<td /></tr></thead>
    <tbody>
      ${runs.map(
        (run) => ui`<tr key=${run.wall} class=${run.outcome}>
          <th scope="row">${run.wall.replace('T', ' ').replace(/ manual .*/, '')}</th>
          <td data-label="what became of it">${run.outcome}</td>
          <td data-label="at">${moment(run.at)}</td>
          <td data-label="missed before">${run.missed_before}</td>
          <td><a href="#/jobs/${encodeURIComponent(run.job_id)}">Job ${run.job_id.slice(-6)}</a></td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}
