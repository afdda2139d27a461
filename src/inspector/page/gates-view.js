/** Each backend's gate as a queue: running requests, waiting requests, and the load of the last hour. */
import { h, redraw, svg, written } from './dom.js';
import { duration } from './format.js';

export function createGatesView() {
  const list = h('div', { class: 'gates' });
  const element = h(
    'section',
    { 'aria-label': 'Gates', class: 'gates-view', tabindex: -1 },
    h('h2', {}, 'Gates'),
    h(
      'p',
      { class: 'note' },
      'Each model server has a gate, and its line is the gate queue. A job that waits for its turn before it begins stands in the job queue, which the list of jobs shows.',
    ),
    list,
  );
  const cards = new Map();

  return {
    element,
    take({ gates, history }) {
      for (const gate of gates) {
        const old = cards.get(gate.id);
        const card = old ?? h('article', { class: 'gate-card', 'data-backend': gate.id });
        redraw(card, ...cardOf(gate, history[gate.id] ?? []));
        if (old === undefined) list.append(card);
        cards.set(gate.id, card);
      }
    },
  };
}

function cardOf(backend, samples) {
  const { gate } = backend;
  const health =
    backend.healthy === null
      ? 'not asked yet'
      : backend.healthy
        ? 'healthy'
        : `down${backend.error_reason ? `: ${backend.error_reason}` : ''}`;
  return [
    h(
      'header',
      {},
      h('h3', {}, backend.id),
      h(
        'span',
        { class: 'note' },
        `${backend.kind} · ${backend.model}${backend.roles.length === 0 ? '' : ` · ${backend.roles.join(', ')}`}`,
      ),
    ),
    h(
      'p',
      { class: 'gate-facts' },
      h('span', { class: `pill ${backend.healthy === false ? 'bad' : 'good'}` }, health),
      h(
        'span',
        { class: `pill ${gate.circuit === 'closed' ? 'good' : 'bad'}` },
        `circuit ${gate.circuit}`,
      ),
      h('span', { class: 'pill' }, `gate ${gate.state}`),
      h('span', { class: 'pill' }, `load: ${backend.load_word?.en ?? backend.load}`),
    ),
    queueOf(gate),
    hourOf(samples, gate.concurrency),
    h(
      'p',
      { class: 'note' },
      `${gate.counters.grants} let in, ${gate.counters.preemptions} preempted, ${gate.counters.overtakes} overtaken. `,
      ...Object.entries(gate.service_ms).map(
        ([kind, ms]) => `${kind} takes about ${duration(ms)}. `,
      ),
    ),
  ];
}

/** The link covers its card. A request without a job, or of another user, has no link. */
function jobLink({ job_id: jobId, kind }, text) {
  if (jobId) return h('a', { href: `#/jobs/${encodeURIComponent(jobId)}` }, text);
  return kind === 'draft' ? h('a', { href: '#/drafts' }, text) : text;
}

function queueOf(gate) {
  const free = Math.max(0, gate.concurrency - gate.running.length);
  return h(
    'div',
    { class: 'queue' },
    h(
      'ol',
      { class: 'served', 'aria-label': 'Running now' },
      ...gate.running.map((one) =>
        h(
          'li',
          { class: `ticket ${one.priority} ${one.phase}` },
          h('b', {}, jobLink(one, one.kind)),
          h('span', {}, written(one.user)),
          h('span', {}, one.phase === 'draining' ? 'draining' : `for ${duration(one.held_ms)}`),
        ),
      ),
      ...Array.from({ length: free }, () =>
        h('li', { class: 'ticket free' }, gate.circuit === 'closed' ? 'free place' : 'closed'),
      ),
    ),
    h('span', { class: 'door', 'aria-hidden': 'true' }, '◀'),
    h(
      'ol',
      { class: 'waiting', 'aria-label': 'Waiting, next first' },
      ...gate.waiting.map((one) =>
        h(
          'li',
          { class: `ticket ${one.priority}` },
          h('b', {}, jobLink(one, `${one.position}. ${one.kind}`)),
          h('span', {}, written(one.user)),
          h(
            'span',
            {},
            `waits ${duration(one.waited_ms)}${one.eta_ms === null ? '' : `, about ${duration(one.eta_ms)} more`}`,
          ),
        ),
      ),
      gate.waiting.length === 0 ? h('li', { class: 'nobody' }, 'nobody waits') : null,
    ),
  );
}

const [hourWidth, hourHeight, hourMs] = [480, 56, 3_600_000];

/** Filled area: running requests. Line: waiting requests. Red below: the circuit was open. */
function hourOf(samples, concurrency) {
  const now = samples.at(-1)?.at ?? 0;
  const most = Math.max(
    concurrency,
    1,
    ...samples.map(({ running, waiting }) => Math.max(running, waiting)),
  );
  const x = (at) => (hourWidth * (1 - (now - at) / hourMs)).toFixed(1);
  const y = (count) => (hourHeight - 4 - (count / most) * (hourHeight - 12)).toFixed(1);
  const line = (key) =>
    samples.map((one, index) => `${index === 0 ? 'M' : 'L'}${x(one.at)} ${y(one[key])}`).join('');
  const first = samples[0];
  const area =
    first === undefined ? '' : `${line('running')}L${x(now)} ${y(0)}L${x(first.at)} ${y(0)}Z`;
  const busy =
    samples.length === 0 ? 0 : samples.filter(({ running }) => running > 0).length / samples.length;
  return h(
    'figure',
    { class: 'hour' },
    svg(
      'svg',
      {
        viewBox: `0 0 ${hourWidth} ${hourHeight}`,
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': `Load over the last hour: busy in ${Math.round(busy * 100)} % of the samples`,
      },
      svg('line', { x1: 0, x2: hourWidth, y1: y(0), y2: y(0), class: 'ground' }),
      svg('path', { d: area, class: 'running' }),
      svg('path', { d: line('waiting'), class: 'waiting-line' }),
      ...samples
        .filter(({ isUp }) => !isUp)
        .map(({ at }) =>
          svg('rect', { x: x(at), y: hourHeight - 4, width: 2, height: 4, class: 'down' }),
        ),
    ),
    h('figcaption', {}, 'Last hour: places in use (filled), waiting (line)'),
  );
}
