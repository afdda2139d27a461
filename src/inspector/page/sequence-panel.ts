/** Sequence diagram of messages between user, job, gate, backend, tool and bridge. Read from the frames. */
import { clock, ui } from '#shared/page/ui';
import type { ReplayFrame, WatchedJob } from '../page-messages.ts';
import { eventName, stateName } from './format.ts';

const lanes = ['user', 'bridge', 'job', 'gate', 'backend', 'tool'] as const;
type Lane = (typeof lanes)[number];

interface Arrow {
  from: Lane;
  to: Lane;
  text: string;
  kind: string;
  /** Epoch ms. */
  at: number;
}

const laneWidth = 104;
const rowHeight = 30;
const top = 40;
/** Effects that go through a gate to a model; the others are tools, except `admit`, which is only a rule. */
const modelEffects = new Set(['classify', 'word', 'reason', 'answer']);
const ownEffects = new Set(['admit']);
/** Channels without a bridge process. */
const direct = new Set(['http', 'nats', 'cli', 'openai']);

export function sequence({ input }: WatchedJob, way: readonly ReplayFrame[]) {
  const person = direct.has(input.channel) ? 'user' : 'bridge';
  const arrows = arrowsOf(way, person);
  const used = lanes.filter((lane) => lane !== 'bridge' || person === 'bridge');
  const x = (lane: Lane): number => 40 + used.indexOf(lane) * laneWidth + laneWidth / 2;
  const width = used.length * laneWidth + 60;
  const height = top + arrows.length * rowHeight + 20;
  const label = `Sequence of ${arrows.length} messages between ${used.join(', ')}`;
  return ui`<svg class="sequence" viewBox="0 0 ${width} ${height}" width=${width} height=${height} role="img" aria-label=${label}>
    <defs>
      <marker id="seq-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
        <path d="M0 0.5 L7.5 4 L0 7.5 Z" class="head" />
      </marker>
    </defs>
    ${used.map(
      (lane) => ui`<g>
        <line x1=${x(lane)} x2=${x(lane)} y1="30" y2=${height - 8} class="lane" />
        <text x=${x(lane)} y="20" class="lane-name" text-anchor="middle">${lane}</text>
      </g>`,
    )}
    ${arrows.map((arrow, index) => drawn(arrow, top + index * rowHeight + 14, x))}
  </svg>`;
}

function drawn({ from, to, text, kind, at }: Arrow, y: number, x: (lane: Lane) => number) {
  const title = ui`<title>${`${clock(at)} ${from} → ${to}: ${text}`}</title>`;
  const [a, b] = [x(from), x(to)];
  if (kind === 'state') {
    const width = text.length * 6.4 + 16;
    return ui`<g class="seq-state">${title}
      <rect x=${a - width / 2} y=${y - 10} width=${width} height="18" rx="9" />
      <text x=${a} y=${y + 3} text-anchor="middle">${text}</text>
    </g>`;
  }
  if (from === to) {
    return ui`<g class="seq ${kind}">${title}
      <path d="M${a} ${y - 6} h26 v12 h-22" marker-end="url(#seq-arrow)" />
      <text x=${a + 32} y=${y + 4}>${clip(text, 26)}</text>
    </g>`;
  }
  const room = Math.max(10, Math.floor(Math.abs(b - a) / 6.2) - 2);
  return ui`<g class="seq ${kind}">${title}
    <path d="M${a} ${y} H${b + (b > a ? -2 : 2)}" marker-end="url(#seq-arrow)" />
    <text x=${(a + b) / 2} y=${y - 4} text-anchor="middle">${clip(text, room)}</text>
  </g>`;
}

const clip = (text: string, max: number): string =>
  text.length > max ? `${text.slice(0, max - 1)}…` : text;

function arrowsOf(way: readonly ReplayFrame[], person: 'user' | 'bridge'): Arrow[] {
  const arrows: Arrow[] = [];
  /** Effects that have requested a permit and have not waited in the queue. */
  const asked = new Set<string>();
  for (const frame of way) {
    const add = (from: Lane, to: Lane, text: string, kind = ''): void =>
      void arrows.push({ from, to, text, kind, at: frame.at });
    addCause(frame, person, asked, add);
    const { event, emitted, started, value } = frame;
    if (event.type === 'xstate.init' || emitted.some(({ type }) => type === 'state'))
      add('job', 'job', stateName(value), 'state');
    for (const { id } of started) {
      if (ownEffects.has(id)) continue;
      if (modelEffects.has(id)) asked.add(id);
      add('job', modelEffects.has(id) ? 'gate' : 'tool', id);
    }
    for (const { type, data } of emitted) {
      const words: Partial<Record<typeof type, string>> = {
        result: data['final'] ? 'answer' : 'draft',
        cancelled: 'cancelled',
        error: 'notice',
        processing: 'notice',
        ack: 'ack',
      };
      const word = words[type];
      if (word === undefined) continue;
      add('job', person, word, 'back');
      if (person === 'bridge') add('bridge', 'user', word, 'back');
    }
  }
  return arrows;
}

/** The arrow of the event that caused the step. */
function addCause(
  { event }: ReplayFrame,
  person: 'user' | 'bridge',
  asked: Set<string>,
  add: (from: Lane, to: Lane, text: string, kind?: string) => void,
): void {
  const { type } = event;
  const [, how, id = ''] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(type) ?? [];
  if (type === 'xstate.init') {
    if (person === 'bridge') add('user', 'bridge', 'message');
    add(person, 'job', 'message');
  } else if (how !== undefined) {
    // It never waited in the queue: it was let in at once.
    if (modelEffects.has(id) && asked.delete(id)) add('gate', 'backend', 'let in');
    const from = modelEffects.has(id) ? 'backend' : ownEffects.has(id) ? 'job' : 'tool';
    const text = ownEffects.has(id) ? 'rules' : `${id} ${how === 'done' ? 'done' : 'failed'}`;
    add(from, 'job', text, how === 'done' ? 'back' : 'bad');
  } else if (type === 'gate.queued') {
    asked.clear();
    const { position = '?' } = (event['queue'] ?? {}) as { position?: number | string };
    add('gate', 'job', `place ${position}`, 'back');
  } else if (type === 'gate.granted') add('gate', 'backend', 'let in');
  else if (type.startsWith('xstate.after.')) add('job', 'job', eventName(event), 'bad');
  else if (type !== 'progress') add(person, 'job', type);
}
