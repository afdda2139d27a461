/** The panels with the details of one step and of the path to it. Each is redrawn from the frames. */
import { h, jsonOnDemand, written } from './dom.js';
import { clock, duration, eventName, moment, stateName, topLevel } from './format.js';

const table = (label, heads, rows) =>
  h(
    'table',
    { 'aria-label': label },
    h('thead', {}, h('tr', {}, ...heads.map((head) => h('th', { scope: 'col' }, head)))),
    h(
      'tbody',
      {},
      ...rows.map((cells) =>
        h(
          'tr',
          {},
          ...cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : h('td', {}, cell))),
        ),
      ),
    ),
  );

/** A value in readable form; nested values as JSON on demand. @param {string} label unique in its panel */
function readable(value, label) {
  if (value === null || value === undefined || value === '') return nothing('nothing');
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'object') return written(value);
  const isList = Array.isArray(value);
  const names = isList ? [] : Object.keys(value);
  const plain = Object.entries(value).filter(([, inner]) => !isNest(inner) && inner !== null);
  if (names.length === 0 && value.length === 0) return nothing('none');
  const words = isList
    ? `${value.length} ${value.length === 1 ? 'entry' : 'entries'}`
    : plain.map(([name, inner]) => `${name}: ${inner}`).join(', ') || names.join(', ');
  return h('div', {}, written(words), jsonOnDemand(`${label} as JSON`, value));
}

const nothing = (word) => h('span', { class: 'nothing' }, word);
const isNest = (value) => typeof value === 'object' && value !== null;

export const changes = (changed) =>
  changed.length === 0
    ? h('p', { class: 'note' }, 'Nothing changed in the context.')
    : table(
        'Changes of the context',
        ['field', 'before', 'after'],
        changed.map(({ key, before, after }) => [
          h('th', { scope: 'row' }, key),
          h('td', { class: 'before wide' }, readable(before, `${key} before`)),
          h('td', { class: 'after wide' }, readable(after, `${key} after`)),
        ]),
      );

/** The event that caused the step, what it changed and what followed. */
export function step(frames, at) {
  const frame = frames[at];
  const before = frames[at - 1];
  return h(
    'div',
    { class: 'step', 'data-n': frame.n },
    h('h3', {}, `${frame.n}. ${eventName(frame.event)}`),
    h(
      'p',
      { class: 'note' },
      `${moment(frame.at)}${before === undefined ? '' : `, ${duration(frame.at - before.at)} after the step before`}. `,
      before === undefined ? '' : `${stateName(before.value)} → `,
      h('b', {}, stateName(frame.value)),
    ),
    h('h4', {}, 'Changed'),
    changes(frame.changed),
    h('h4', {}, 'Event'),
    eventOf(frame.event),
    h('h4', {}, 'Published events'),
    frame.emitted.length === 0
      ? h('p', { class: 'note' }, 'Nothing.')
      : table(
          'State events',
          ['seq', 'type', 'data'],
          frame.emitted.map(({ seq, type, data }) => [
            seq,
            type,
            h('td', { class: 'wide' }, readable(data, `Data of ${seq}`)),
          ]),
        ),
    frame.started.length === 0 ? null : h('h4', {}, 'Started'),
    ...frame.started.map(({ key, input }) => jsonOnDemand(key, input)),
  );
}

function eventOf(event) {
  const { type, ...facts } = event;
  const nests = Object.values(facts).some(isNest);
  return h(
    'div',
    {},
    h('p', {}, eventName(event), ' ', h('code', {}, type)),
    ...Object.entries(facts).map(([name, value]) =>
      h('div', {}, `${name}: `, readable(value, name)),
    ),
    nests ? null : jsonOnDemand('Event as JSON', event),
  );
}

/** All steps, and the time in each state. */
export function steps(frames, at, go) {
  const times = timesOf(frames, at);
  const most = Math.max(1, ...times.map(({ ms }) => ms));
  return h(
    'div',
    {},
    h('h3', {}, 'Time in each state'),
    h(
      'div',
      { class: 'times' },
      ...times.flatMap(({ state, ms }) => [
        h('span', {}, state),
        h('meter', { min: 0, max: most, value: ms, 'aria-label': `Time in ${state}` }),
        h('span', { class: 'number' }, duration(ms)),
      ]),
    ),
    h('h3', {}, 'Steps'),
    table(
      'Steps of the journal',
      ['step', 'at', 'event', 'state after'],
      frames.map((frame, index) => [
        h(
          'button',
          {
            type: 'button',
            class: 'link',
            'aria-current': index === at ? 'step' : null,
            onclick: () => go(index),
          },
          frame.n,
        ),
        clock(frame.at),
        eventName(frame.event),
        stateName(frame.value),
      ]),
    ),
  );
}

function timesOf(frames, at) {
  const times = new Map();
  frames.slice(0, at + 1).forEach((frame, index) => {
    const state = topLevel(frame.value);
    const isLast = index === frames.length - 1;
    const until = frames[index + 1]?.at ?? (isLast && !frame.isEnded ? Date.now() : frame.at);
    times.set(state, (times.get(state) ?? 0) + Math.max(0, until - frame.at));
  });
  return [...times].map(([state, ms]) => ({ state, ms }));
}

/** Effects with their keys, and timers with their times. */
export function effects(frames, at, isLive) {
  const rows = [];
  const attempts = new Map();
  for (const frame of frames.slice(0, at + 1)) {
    for (const { id, src, key } of frame.started) {
      attempts.set(src, (attempts.get(src) ?? 0) + 1);
      rows.push({
        id,
        src,
        key,
        from: frame.at,
        attempt: attempts.get(src),
        end: null,
        how: 'runs',
      });
    }
    for (const key of frame.ended) {
      const row = rows.find((one) => one.key === key);
      const isOwn = frame.event.type.endsWith(`.actor.${row?.id}`);
      if (row !== undefined)
        Object.assign(row, {
          end: frame.at,
          how: isOwn
            ? eventName(frame.event).split(' ').at(-1)
            : `left by ${eventName(frame.event)}`,
        });
    }
    // An effect that ended at once was never seen running.
    const own = /^xstate\.(done|error)\.actor\.(.+)$/.exec(frame.event.type);
    const row = own && rows.find((one) => one.id === own[2] && one.end === null);
    if (row) Object.assign(row, { end: frame.at, how: own[1] === 'done' ? 'done' : 'failed' });
  }
  const frame = frames[at];
  const now = isLive && !frame.isEnded ? Date.now() : frame.at;
  return h(
    'div',
    {},
    h('h3', {}, 'Effects'),
    table(
      'Effects',
      ['effect', 'attempt', 'idempotency key', 'how', 'time'],
      rows.map(({ src, attempt, key, how, from, end }) => [
        src,
        attempt,
        h('td', {}, h('code', {}, key)),
        how,
        duration((end ?? now) - from),
      ]),
    ),
    h('h3', {}, 'Timers'),
    frame.timers.length === 0
      ? h('p', { class: 'note' }, 'No timer runs.')
      : table(
          'Timers',
          ['timer', 'due', 'in'],
          frame.timers.map(({ id, dueAt }) => [
            eventName({ type: id }),
            clock(dueAt),
            duration(Math.max(0, dueAt - now)),
          ]),
        ),
  );
}

/** The whole context after the step. */
export function context(frames, at) {
  const whole = {};
  for (const frame of frames.slice(0, at + 1))
    for (const { key, after } of frame.changed) whole[key] = after;
  return h(
    'div',
    {},
    h('h3', {}, `Snapshot after step ${frames[at].n}`),
    table(
      'Fields of the context',
      ['field', 'value'],
      [
        [h('th', { scope: 'row' }, 'state'), stateName(frames[at].value)],
        ...Object.entries(whole).map(([key, value]) => [
          h('th', { scope: 'row' }, key),
          h('td', { class: 'wide' }, readable(value, key)),
        ]),
      ],
    ),
    jsonOnDemand('Snapshot as JSON', {
      value: frames[at].value,
      tags: frames[at].tags,
      context: whole,
    }),
  );
}
