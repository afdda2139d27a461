/** Sequence diagram of messages between user, job, gate, backend, tool and bridge. Read from the frames. */
import { svg } from './dom.js';
import { clock, eventName, stateName } from './format.js';

const lanes = ['user', 'bridge', 'job', 'gate', 'backend', 'tool'];
const laneWidth = 104;
const rowHeight = 30;
const top = 40;
/** Effects that go through a gate to a model; the others are tools, except `admit`, which is only a rule. */
const modelEffects = new Set(['classify', 'word', 'reason', 'answer']);
const ownEffects = new Set(['admit']);
/** Channels without a bridge process. */
const direct = new Set(['http', 'nats', 'cli', 'openai']);

/** @param {any} job @param {any[]} frames @param {number} at */
export function sequence(job, frames, at) {
  const person = direct.has(job.input.channel) ? 'user' : 'bridge';
  const arrows = arrowsOf(frames.slice(0, at + 1), person);
  const used = lanes.filter((lane) => lane !== 'bridge' || person === 'bridge');
  const x = (lane) => 40 + used.indexOf(lane) * laneWidth + laneWidth / 2;
  const width = used.length * laneWidth + 60;
  const height = top + arrows.length * rowHeight + 20;
  return svg(
    'svg',
    {
      class: 'sequence',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'aria-label': `Sequence of ${arrows.length} messages between ${used.join(', ')}`,
    },
    svg(
      'defs',
      {},
      svg(
        'marker',
        {
          id: 'seq-arrow',
          viewBox: '0 0 8 8',
          refX: 7,
          refY: 4,
          markerWidth: 7,
          markerHeight: 7,
          orient: 'auto-start-reverse',
        },
        svg('path', { d: 'M0 0.5 L7.5 4 L0 7.5 Z', class: 'head' }),
      ),
    ),
    ...used.map((lane) =>
      svg(
        'g',
        {},
        svg('line', { x1: x(lane), x2: x(lane), y1: 30, y2: height - 8, class: 'lane' }),
        svg('text', { x: x(lane), y: 20, class: 'lane-name', 'text-anchor': 'middle' }, lane),
      ),
    ),
    ...arrows.map((arrow, index) => drawn(arrow, top + index * rowHeight + 14, x)),
  );
}

function drawn({ from, to, text, kind, at }, y, x) {
  const title = svg('title', {}, `${clock(at)} ${from} → ${to}: ${text}`);
  if (kind === 'state') {
    const width = text.length * 6.4 + 16;
    return svg(
      'g',
      { class: 'seq-state' },
      title,
      svg('rect', { x: x(from) - width / 2, y: y - 10, width, height: 18, rx: 9 }),
      svg('text', { x: x(from), y: y + 3, 'text-anchor': 'middle' }, text),
    );
  }
  const [a, b] = [x(from), x(to)];
  if (from === to) {
    return svg(
      'g',
      { class: `seq ${kind}` },
      title,
      svg('path', { d: `M${a} ${y - 6} h26 v12 h-22`, 'marker-end': 'url(#seq-arrow)' }),
      svg('text', { x: a + 32, y: y + 4 }, clip(text, 26)),
    );
  }
  const room = Math.max(10, Math.floor(Math.abs(b - a) / 6.2) - 2);
  return svg(
    'g',
    { class: `seq ${kind}` },
    title,
    svg('path', { d: `M${a} ${y} H${b + (b > a ? -2 : 2)}`, 'marker-end': 'url(#seq-arrow)' }),
    svg('text', { x: (a + b) / 2, y: y - 4, 'text-anchor': 'middle' }, clip(text, room)),
  );
}

const clip = (text, max) => (text.length > max ? `${text.slice(0, max - 1)}…` : text);

function arrowsOf(way, person) {
  const arrows = [];
  const asked = new Set();
  for (const frame of way) {
    const add = (from, to, text, kind = '') => arrows.push({ from, to, text, kind, at: frame.at });
    const { event } = frame;
    const own = /^xstate\.(done|error)\.actor\.(.+)$/.exec(event.type);
    if (event.type === 'xstate.init') {
      if (person === 'bridge') add('user', 'bridge', 'message');
      add(person, 'job', 'message');
    } else if (own !== null) {
      const [, how, id] = own;
      // It requested a permit and never waited in the queue: it was granted at once.
      if (modelEffects.has(id) && asked.delete(id)) add('gate', 'backend', 'let in');
      const from = modelEffects.has(id) ? 'backend' : ownEffects.has(id) ? 'job' : 'tool';
      add(
        from,
        'job',
        ownEffects.has(id) ? 'rules' : `${id} ${how === 'done' ? 'done' : 'failed'}`,
        how === 'done' ? 'back' : 'bad',
      );
    } else if (event.type === 'gate.queued') {
      asked.clear();
      add('gate', 'job', `place ${event.queue?.position ?? '?'}`, 'back');
    } else if (event.type === 'gate.granted') add('gate', 'backend', 'let in');
    else if (event.type.startsWith('xstate.after.')) add('job', 'job', eventName(event), 'bad');
    else if (event.type !== 'progress') add(person, 'job', event.type);

    if (frame.emitted.some(({ type }) => type === 'state') || event.type === 'xstate.init')
      add('job', 'job', stateName(frame.value), 'state');
    for (const { id } of frame.started) {
      if (ownEffects.has(id)) continue;
      if (modelEffects.has(id)) asked.add(id);
      add('job', modelEffects.has(id) ? 'gate' : 'tool', id);
    }
    for (const { type, data } of frame.emitted) {
      const word = {
        result: data.final ? 'answer' : 'draft',
        cancelled: 'cancelled',
        error: 'notice',
        processing: 'notice',
        ack: 'ack',
      }[type];
      if (word === undefined) continue;
      add('job', person, word, 'back');
      if (person === 'bridge') add('bridge', 'user', word, 'back');
    }
  }
  return arrows;
}
