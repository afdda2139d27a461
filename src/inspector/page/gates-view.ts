/** Each backend's gate as a queue: running requests, waiting requests, and the load of the last hour. */
import type { BackendView } from '#shared/wire/backend-view';
import { ui, View, written } from '#shared/page/ui';
import type { GateSample, PageMessage } from '../page-messages.ts';
import { duration } from './format.ts';

type GateView = BackendView['gate'];
type RequestView = GateView['running'][number] | GateView['waiting'][number];
type GatesMessage = Extract<PageMessage, { type: 'gatehouse.gates' }>;

export class GatesView extends View {
  #shown: Pick<GatesMessage, 'gates' | 'history'> = { gates: [], history: {} };

  constructor() {
    super(ui`<section aria-label="Gates" class="gates-view" tabindex="-1" />`);
    this.draw();
  }

  take(message: GatesMessage): void {
    this.#shown = message;
    this.draw();
  }

  protected content() {
    const { gates, history } = this.#shown;
    return ui`
      <h2>Gates</h2>
      <p class="note">Each model server has a gate, and its line is the gate queue. A job that waits for its turn before it begins stands in the job queue, which the list of jobs shows.</p>
      <div class="gates">${gates.map((one) => cardOf(one, history[one.id] ?? []))}</div>`;
  }
}

function cardOf(backend: BackendView, samples: readonly GateSample[]) {
  const { id, kind, model, roles, healthy, error_reason: reason, gate } = backend;
  const down = `down${reason ? `: ${reason}` : ''}`;
  const health = healthy === null ? 'not asked yet' : healthy ? 'healthy' : down;
  const about = [kind, model, ...(roles.length === 0 ? [] : [roles.join(', ')])].join(' · ');
  const { grants, preemptions, overtakes } = gate.counters as Record<string, number>;
  return ui`<article class="gate-card" data-backend=${id} key=${id}>
    <header><h3>${id}</h3><span class="note">${about}</span></header>
    <p class="gate-facts">
      <span class="pill ${healthy === false ? 'bad' : 'good'}">${health}</span>
      <span class="pill ${gate.circuit === 'closed' ? 'good' : 'bad'}">circuit ${gate.circuit}</span>
      <span class="pill">gate ${gate.state}</span>
      <span class="pill">load: ${backend.load_word.en}</span>
    </p>
    ${queueOf(gate)}
    ${hourOf(samples, gate.concurrency)}
    <p class="note">
      ${`${grants} let in, ${preemptions} preempted, ${overtakes} overtaken. `}
      ${speculationOf(backend)}
      ${Object.entries(gate.service_ms).map(([name, ms]) => `${name} takes about ${duration(ms)}. `)}
    </p>
  </article>`;
}

/** Empty for a backend that is not the reasoner, and before the first request in advance. */
function speculationOf({ speculation: figures }: BackendView): string {
  if (figures === undefined) return '';
  const { adopted, discarded, preempted, failed } = figures;
  const sent = adopted + discarded + preempted + failed;
  if (sent === 0) return '';
  const [saved, wasted] = [duration(figures.saved_ms), duration(figures.wasted_ms)];
  return `Asked in advance ${sent} ×, of use ${adopted} ×: ${saved} saved, ${wasted} wasted. `;
}

/** The link covers its card. A request without a job, or of another user, has no link. */
function jobLink({ job_id: jobId, kind }: RequestView, text: string) {
  if (jobId) return ui`<a href="#/jobs/${encodeURIComponent(jobId)}">${text}</a>`;
  return kind === 'draft' ? ui`<a href="#/drafts">${text}</a>` : text;
}

function queueOf({ concurrency, circuit, running, waiting }: GateView) {
  const free = Math.max(0, concurrency - running.length);
  const ticket = (one: RequestView, kind: string, text: string, time: string) =>
    ui`<li class="ticket ${kind}"><b>${jobLink(one, text)}</b><span>${written(one.user)}</span><span>${time}</span></li>`;
  const more = (ms: number | null): string => (ms === null ? '' : `, about ${duration(ms)} more`);
  return ui`<div class="queue">
    <ol class="served" aria-label="Running now">
      ${running.map((one) =>
        ticket(
          one,
          `${one.priority} ${one.phase}`,
          'speculative' in one ? `${one.kind}, in advance` : one.kind,
          one.phase === 'draining' ? 'draining' : `for ${duration(one.held_ms)}`,
        ),
      )}
      ${Array.from({ length: free }, () => ui`<li class="ticket free">${circuit === 'closed' ? 'free place' : 'closed'}</li>`)}
    </ol>
    <span class="door" aria-hidden="true">◀</span>
    <ol class="waiting" aria-label="Waiting, next first">
      ${waiting.map((one) =>
        ticket(
          one,
          one.priority,
          `${one.position}. ${one.kind}`,
          `waits ${duration(one.waited_ms)}${more(one.eta_ms)}`,
        ),
      )}
      ${waiting.length === 0 && ui`<li class="nobody">nobody waits</li>`}
    </ol>
  </div>`;
}

const [hourWidth, hourHeight, hourMs] = [480, 56, 3_600_000];

/** Filled area: running requests. Line: waiting requests. Red below: the circuit was open. */
function hourOf(samples: readonly GateSample[], concurrency: number) {
  const now = samples.at(-1)?.at ?? 0;
  const counts = samples.map(({ running, waiting }) => Math.max(running, waiting));
  const most = Math.max(concurrency, 1, ...counts);
  const x = (at: number): string => (hourWidth * (1 - (now - at) / hourMs)).toFixed(1);
  const y = (count: number): string =>
    (hourHeight - 4 - (count / most) * (hourHeight - 12)).toFixed(1);
  const line = (key: 'running' | 'waiting'): string =>
    samples.map((one, index) => `${index === 0 ? 'M' : 'L'}${x(one.at)} ${y(one[key])}`).join('');
  const [first] = samples;
  const area = first && `${line('running')}L${x(now)} ${y(0)}L${x(first.at)} ${y(0)}Z`;
  const busy = samples.filter(({ running }) => running > 0).length / Math.max(1, samples.length);
  const label = `Load over the last hour: busy in ${Math.round(busy * 100)} % of the samples`;
  const outages = samples.filter(({ isUp }) => !isUp);
  return ui`<figure class="hour">
    <svg viewBox="0 0 ${hourWidth} ${hourHeight}" preserveAspectRatio="none" role="img" aria-label=${label}>
      <line x1="0" x2=${hourWidth} y1=${y(0)} y2=${y(0)} class="ground" />
      <path d=${area ?? ''} class="running" />
      <path d=${line('waiting')} class="waiting-line" />
      ${outages.map(({ at }) => ui`<rect x=${x(at)} y=${hourHeight - 4} width="2" height="4" class="down" />`)}
    </svg>
    <figcaption>Last hour: places in use (filled), waiting (line)</figcaption>
  </figure>`;
}
