/** The panels with the details of one step and of the path to it. Each is drawn from the frames. */
import type { ComponentChildren, VNode } from 'preact';
import { clock, ui, written } from '#shared/page/ui';
import type { ContextChange, ReplayFrame } from '../page-messages.ts';
import { toolCallsOf } from './tool-calls.ts';
import { duration, eventName, moment, stateName, topLevel, jsonOnDemand } from './format.ts';

const isCell = (cell: unknown): cell is VNode =>
  ['td', 'th'].includes((cell as VNode | null)?.type as string);

/** A cell that is not a `td` or `th` yet becomes a `td`. */
const table = (label: string, heads: string[], rows: ComponentChildren[][]) =>
  ui`<table aria-label=${label}>
    <thead><tr>${heads.map((head) => ui`<th scope="col">${head}</th>`)}</tr></thead>
    <tbody>
      ${rows.map((cells) => ui`<tr>${cells.map((cell) => (isCell(cell) ? cell : ui`<td>${cell}</td>`))}</tr>`)}
    </tbody>
  </table>`;

const rowHead = (name: string) => ui`<th scope="row">${name}</th>`;
const wide = (content: ComponentChildren, kind = '') =>
  ui`<td class="wide ${kind}">${content}</td>`;
const note = (text: ComponentChildren) => ui`<p class="note">${text}</p>`;
const nothing = (word: string) => ui`<span class="nothing">${word}</span>`;
const isNest = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** A value in readable form; nested values as JSON on demand. @param label unique in its panel */
function readable(value: unknown, label: string): ComponentChildren {
  if (value === null || value === undefined || value === '') return nothing('nothing');
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'object') return written(value);
  const names = Object.keys(value);
  if (names.length === 0) return nothing('none');
  const plain = Object.entries(value).filter(([, inner]) => !isNest(inner) && inner !== null);
  const words = Array.isArray(value)
    ? `${value.length} ${value.length === 1 ? 'entry' : 'entries'}`
    : plain.map(([name, inner]) => `${name}: ${inner}`).join(', ') || names.join(', ');
  return ui`<div>${written(words)}${jsonOnDemand(`${label} as JSON`, value)}</div>`;
}

export const changes = (changed: readonly ContextChange[]) =>
  changed.length === 0
    ? note('Nothing changed in the context.')
    : table(
        'Changes of the context',
        ['field', 'before', 'after'],
        changed.map(({ key, before, after }) => [
          rowHead(key),
          wide(readable(before, `${key} before`), 'before'),
          wide(readable(after, `${key} after`), 'after'),
        ]),
      );

/** The event that caused the last step of `way`, what it changed and what followed. */
export function step(way: readonly ReplayFrame[]) {
  const [before, frame] = [way.at(-2), way.at(-1)!];
  const since = before && `, ${duration(frame.at - before.at)} after the step before`;
  const { emitted, started } = frame;
  return ui`<div class="step" data-n=${frame.n}>
    <h3>${frame.n}. ${eventName(frame.event)}</h3>
    <p class="note">${moment(frame.at)}${since}. ${before && `${stateName(before.value)} → `}<b>${stateName(frame.value)}</b></p>
    <h4>Changed</h4>${changes(frame.changed)}
    <h4>Event</h4>${eventOf(frame.event)}
    <h4>Published events</h4>
    ${
      emitted.length === 0
        ? note('Nothing.')
        : table(
            'State events',
            ['seq', 'type', 'data'],
            emitted.map(({ seq, type, data }) => [
              seq,
              type,
              wide(readable(data, `Data of ${seq}`)),
            ]),
          )
    }
    ${started.length > 0 && ui`<h4>Started</h4>`}
    ${started.map(({ key, input }) => jsonOnDemand(key, input))}
  </div>`;
}

function eventOf(event: ReplayFrame['event']) {
  const { type, ...facts } = event;
  const nests = Object.values(facts).some(isNest);
  return ui`<div>
    <p>${eventName(event)} <code>${type}</code></p>
    ${Object.entries(facts).map(([name, value]) => ui`<div>${name}: ${readable(value, name)}</div>`)}
    ${!nests && jsonOnDemand('Event as JSON', event)}
  </div>`;
}

/** All steps, and the time in each state. */
export function steps(frames: readonly ReplayFrame[], at: number, go: (index: number) => void) {
  const times = timesOf(frames, at);
  const most = Math.max(1, ...times.values());
  const link = ({ n }: ReplayFrame, index: number) =>
    ui`<button type="button" class="link" aria-current=${index === at ? 'step' : null}
      onclick=${() => go(index)}>${n}</button>`;
  return ui`<div>
    <h3>Time in each state</h3>
    <div class="times">
      ${[...times].map(
        ([state, ms]) => ui`<span>${state}</span>
          <meter min="0" max=${most} value=${ms} aria-label="Time in ${state}" />
          <span class="number">${duration(ms)}</span>`,
      )}
    </div>
    <h3>Steps</h3>
    ${table(
      'Steps of the journal',
      ['step', 'at', 'event', 'state after'],
      frames.map((frame, index) => [
        link(frame, index),
        clock(frame.at),
        eventName(frame.event),
        stateName(frame.value),
      ]),
    )}
  </div>`;
}

/** Milliseconds by state. */
function timesOf(frames: readonly ReplayFrame[], at: number): Map<string, number> {
  const times = new Map<string, number>();
  frames.slice(0, at + 1).forEach((frame, index) => {
    const state = topLevel(frame.value);
    const isLast = index === frames.length - 1;
    const until = frames[index + 1]?.at ?? (isLast && !frame.isEnded ? Date.now() : frame.at);
    times.set(state, (times.get(state) ?? 0) + Math.max(0, until - frame.at));
  });
  return times;
}

interface EffectRow {
  id: string;
  src: string;
  key: string;
  /** Epoch ms; `end` null while it runs. */
  from: number;
  end: number | null;
  attempt: number;
  how: string;
}

function effectsOf(way: readonly ReplayFrame[]): EffectRow[] {
  const rows: EffectRow[] = [];
  const attempts = new Map<string, number>();
  for (const { at, event, started, ended } of way) {
    for (const { id, src, key } of started) {
      const attempt = (attempts.get(src) ?? 0) + 1;
      attempts.set(src, attempt);
      rows.push({ id, src, key, from: at, attempt, end: null, how: 'runs' });
    }
    for (const key of ended) {
      const row = rows.find((one) => one.key === key);
      if (row === undefined) continue;
      const isOwn = event.type.endsWith(`.actor.${row.id}`);
      const how = isOwn ? eventName(event).split(' ').at(-1)! : `left by ${eventName(event)}`;
      Object.assign(row, { end: at, how });
    }
    // An effect that ended at once was never seen running.
    const own = /^xstate\.(done|error)\.actor\.(.+)$/.exec(event.type);
    const row = own && rows.find((one) => one.id === own[2] && one.end === null);
    if (row) Object.assign(row, { end: at, how: own[1] === 'done' ? 'done' : 'failed' });
  }
  return rows;
}

/** Effects with their keys, and timers with their times. */
export function effects(way: readonly ReplayFrame[], isLive: boolean) {
  const { at, isEnded, timers } = way.at(-1)!;
  const now = isLive && !isEnded ? Date.now() : at;
  return ui`<div>
    <h3>Effects</h3>
    ${table(
      'Effects',
      ['effect', 'attempt', 'idempotency key', 'how', 'time'],
      effectsOf(way).map(({ src, attempt, key, how, from, end }) => [
        src,
        attempt,
        ui`<code>${key}</code>`,
        how,
        duration((end ?? now) - from),
      ]),
    )}
    ${toolCalls(way)}
    <h3>Timers</h3>
    ${
      timers.length === 0
        ? note('No timer runs.')
        : table(
            'Timers',
            ['timer', 'due', 'in'],
            timers.map(({ id, dueAt }) => [
              eventName({ type: id }),
              clock(dueAt),
              duration(Math.max(0, dueAt - now)),
            ]),
          )
    }
  </div>`;
}

/** Nothing for a job without calls of tools. */
function toolCalls(way: readonly ReplayFrame[]) {
  const calls = toolCallsOf(way);
  if (calls.length === 0) return null;
  return ui`<h3>Calls of tools</h3>
    ${table(
      'Calls of tools',
      ['server', 'tool', 'input', 'outcome'],
      calls.map(({ server, tool, params, outcome }, index) => [
        rowHead(server),
        tool,
        wide(jsonOnDemand(`Input of call ${index + 1}`, params)),
        outcome,
      ]),
    )}`;
}

/** The whole context after the last step of `way`. */
export function context(way: readonly ReplayFrame[]) {
  const { n, value, tags } = way.at(-1)!;
  const whole: Record<string, unknown> = {};
  for (const { changed } of way) for (const { key, after } of changed) whole[key] = after;
  return ui`<div>
    <h3>Snapshot after step ${n}</h3>
    ${table(
      'Fields of the context',
      ['field', 'value'],
      [
        [rowHead('state'), stateName(value)],
        ...Object.entries(whole).map(([key, field]) => [rowHead(key), wide(readable(field, key))]),
      ],
    )}
    ${jsonOnDemand('Snapshot as JSON', { value, tags, context: whole })}
  </div>`;
}
