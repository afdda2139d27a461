/**
 * The list of jobs: the newest page from the core, updated by the events of all jobs. An event with a `seq` that was
 * already applied changes nothing, so a repeated event after a lost connection has no effect.
 */
import type { StateEvent } from '#shared/wire/state-event';
import { memo, ui, View } from '#shared/page/ui';
import type { FoundJobs } from '../page-messages.ts';
import { call, hidesTexts, messageOf } from './api.ts';
import { duration } from './format.ts';
import { jobFilters, noFilter } from './job-filters.ts';
import { changesOf, fits, isOfKind, jobOf, mayFit, rowOf, type Job } from './job-row.ts';

/** Maximum number of rows in the document; older jobs are found by a search. */
const rowsMax = 1_000;
/** Debounce: the search starts when the user stops typing. */
const typingMs = 200;
/** Minimum interval of refreshes: each costs the core a search. */
const catchUpMs = 500;

export class JobList extends View {
  readonly #jobs = new Map<string, Job>();
  #filter = noFilter;
  /** Cursor of the older jobs; null: there are none. Undefined until the core has answered. */
  #cursor: string | null | undefined = undefined;
  /** The newest row when the connection was lost; null while no event is missing. */
  #heardUpTo: string | null = null;
  #selected = '';
  /** Counts the requests: a late response to an old request is dropped. */
  #asked = 0;
  #isAsking = false;
  #filterTimer = 0;
  #catchUpTimer = 0;
  #note = '';
  /** Visible rows may be out of date because events were left out. */
  #isStale = false;

  readonly #filters = jobFilters((filter) => {
    this.#filter = filter;
    this.#isStale = true;
    clearTimeout(this.#filterTimer);
    this.#filterTimer = window.setTimeout(() => this.reload(), typingMs);
  });

  constructor() {
    super(ui`<div class="job-list" tabindex="-1" />`);
    this.draw();
    // The ages of the rows.
    setInterval(() => this.draw(), 1_000);
  }

  protected content() {
    const now = Date.now();
    const jobs = [...this.#jobs.values()].sort((one, other) =>
      one.job_id < other.job_id ? 1 : -1,
    );
    // The only row in the tab order; arrow keys move from it to others.
    const reachable = this.#jobs.has(this.#selected) ? this.#selected : jobs[0]?.job_id;
    const hasMore = typeof this.#cursor === 'string' && jobs.length < rowsMax;
    const rows = jobs.map((job) => {
      const { job_id: id } = job;
      const age = duration(now - Date.parse(job.created_at));
      const inputs = [job, age, id === this.#selected, id === reachable] as const;
      return memo(id, inputs, () => rowOf(...inputs));
    });
    return [
      this.#filters,
      ui`<div class="scroller">
        <ol class="job-rows" aria-label="Jobs, newest first" onkeydown=${press}>${rows}</ol>
        <p class="note" role="status">${this.#note}</p>
        <button type="button" class="more" hidden=${!hasMore}
          onclick=${() => void this.#load(this.#cursor ?? null)}>Older jobs</button>
      </div>`,
    ];
  }

  /** Loads the newest page again: for events missed while disconnected. */
  refresh(): void {
    void this.#load(null);
  }

  /** The connection is lost: newer jobs may leave a gap above the visible rows. */
  lose(): void {
    this.#heardUpTo ??= this.#newest();
  }

  /** Loads the list again from the first row, for example when texts are hidden or shown again. */
  reload(): void {
    clearTimeout(this.#filterTimer);
    this.#jobs.clear();
    this.#cursor = undefined;
    this.#heardUpTo = null;
    this.#isStale = false;
    this.draw();
    this.refresh();
  }

  select(id: string): void {
    this.#selected = id;
    this.draw();
  }

  /** Focuses the row of a job, or the list where it has no such row. */
  focusOn(id: string): void {
    const link = this.element.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"] a`);
    (link ?? this.element).focus();
  }

  /** `isCut`: there were more events than a list can show; the list is loaded again afterwards. */
  take(events: readonly StateEvent[], isCut: boolean): void {
    let isUnknown = false;
    for (const event of events) {
      const known = this.#jobs.get(event.job_id);
      if (known === undefined && event.type !== 'ack') {
        isUnknown ||= mayFit(event, this.#filter);
      } else if (known === undefined || known.seq < event.seq) {
        const job = { ...(known ?? jobOf(event)), ...changesOf(event) };
        if (known !== undefined || fits(job, this.#filter)) this.#put(job);
      }
    }
    this.draw();
    // An event of a job that is not in the list: it may match the filter now.
    this.#isStale ||= isCut;
    if (isUnknown || this.#isStale) this.#catchUpSoon();
  }

  /** A throttle, not a debounce: a steady stream of events does not postpone it. It waits for a running request. */
  #catchUpSoon(): void {
    if (this.#catchUpTimer !== 0) return;
    this.#catchUpTimer = window.setTimeout(() => {
      this.#catchUpTimer = 0;
      if (this.#isAsking) this.#catchUpSoon();
      else if (this.#isStale) this.reload();
      else this.refresh();
    }, catchUpMs);
  }

  /** Ids are ordered by time. */
  #newest = (): string => this.#ids().reduce((one, other) => (one > other ? one : other), '');
  #ids = (): string[] => [...this.#jobs.keys()];

  async #load(from: string | null): Promise<void> {
    this.#asked += 1;
    const mine = this.#asked;
    const knownUpTo = this.#heardUpTo ?? this.#newest();
    this.#isAsking = true;
    const fields = Object.entries({ ...this.#filter, cursor: from ?? '' }).filter(
      ([, value]) => value !== '',
    );
    const query = new URLSearchParams(fields.map(([name, value]) => [name, String(value)]));
    if (hidesTexts()) query.set('redact', '');
    try {
      const page = await call<FoundJobs>(`/inspect/api/jobs?${query}`);
      if (mine === this.#asked) this.#takePage(page, from, knownUpTo);
    } catch (error) {
      if (mine === this.#asked) this.#note = messageOf(error);
    }
    if (mine === this.#asked) this.#isAsking = false;
    this.draw();
  }

  /** `knownUpTo`: the newest row without missing rows below it at the time of the request. */
  #takePage(page: FoundJobs, from: string | null, knownUpTo: string): void {
    const oldest = page.jobs.at(-1)?.job_id ?? '';
    const hasGap = from === null && page.next_cursor !== null && oldest > knownUpTo;
    // The rows below a gap are loaded again with the older jobs.
    if (hasGap) for (const id of this.#ids()) if (id < oldest) this.#jobs.delete(id);
    // Loading the newest page does not remove the older rows that are visible.
    const isFurther = from !== null || hasGap || this.#cursor === undefined;
    // A request for older rows replaced the pending request for the newest ones, so that one is repeated.
    if (from === null) this.#heardUpTo = null;
    else if (this.#heardUpTo !== null) this.#catchUpSoon();
    for (const job of page.jobs) {
      const known = this.#jobs.get(job.job_id);
      if (known === undefined || known.seq <= job.seq) this.#put({ ...known, ...job });
    }
    if (isFurther) this.#cursor = page.next_cursor;
    const goesOn = typeof this.#cursor === 'string';
    if (this.#jobs.size > 0) this.#note = '';
    else this.#note = goesOn ? `Nothing among the last ${page.looked} jobs` : 'No jobs';
  }

  #put(job: Job): void {
    if (isOfKind(job, this.#filter)) this.#jobs.set(job.job_id, job);
    else this.#jobs.delete(job.job_id);
    if (this.#jobs.size > 0) this.#note = '';
    if (this.#jobs.size <= rowsMax) return;
    this.#jobs.delete(this.#ids().reduce((one, other) => (one < other ? one : other)));
  }
}

function press(event: KeyboardEvent): void {
  const row = (event.target as Element).closest('li');
  const rows = row?.parentElement;
  const next = {
    ArrowDown: row?.nextElementSibling,
    ArrowUp: row?.previousElementSibling,
    Home: rows?.firstElementChild,
    End: rows?.lastElementChild,
  }[event.key];
  if (!next) return;
  event.preventDefault();
  next.querySelector('a')?.focus();
}
