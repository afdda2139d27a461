/** Formats times, states and values. */
import { jobStates } from './job-states.ts';
import { ui } from '#shared/page/ui';

const rows = new Map(jobStates.map((row) => [row.name, row]));

/** Whether a job in this state waits for a person. */
export const asksPerson = (state: string): boolean => rows.get(state)?.waitsForPerson === true;

export function duration(ms: number): string {
  if (ms < 1) return '0 ms';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 3_600_000) {
    return `${Math.floor(ms / 60_000)} min ${String(Math.floor((ms % 60_000) / 1000)).padStart(2, '0')} s`;
  }
  if (ms < 86_400_000)
    return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
  return `${Math.floor(ms / 86_400_000)} d`;
}

/** @param at epoch ms, or ISO 8601 */
export const moment = (at: number | string): string => new Date(at).toLocaleString();

/** XState's value as one line: `confirm-draft / asking`. */
export function stateName(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[key, inner] = ['', '']] = Object.entries((value ?? {}) as Record<string, unknown>);
  return inner === '' ? key : `${key} / ${stateName(inner)}`;
}

export const topLevel = (value: unknown): string =>
  typeof value === 'string' ? value : (Object.keys(value ?? {})[0] ?? '');

/** Before a job starts it waits in the job queue; later it waits for a model server. */
export const queueName = (state: string): string => (state === 'ack' ? 'job queue' : 'gate queue');

/** The machine's event in plain words. */
export function eventName({ type }: { type: string }): string {
  const parts = type.split('.');
  if (type === 'xstate.init') return 'message accepted';
  if (type.startsWith('xstate.done.actor.')) return `${parts.slice(3).join('.')} done`;
  if (type.startsWith('xstate.error.actor.')) return `${parts.slice(3).join('.')} failed`;
  if (type.startsWith('xstate.after.')) return `after ${parts[2]}`;
  return type;
}

/** Colour class of a state or an outcome. */
export function tone(state: string, outcome: string | null): string {
  const ofState = rows.get(state)?.tone ?? 'busy';
  if (ofState === 'stopped') return ofState;
  if (outcome === 'failed') return 'bad';
  return outcome === null ? ofState : 'good';
}

/** Characters that change the direction of a line, and invisible line breaks. */
const unseenMarks = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const escaped = (mark: string): string => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`;

function jsonText(value: unknown): string {
  try {
    return (JSON.stringify(value, null, 2) ?? '').replace(unseenMarks, escaped);
  } catch {
    return 'Nested too deep to be shown.';
  }
}

/** Long texts are wrapped by CSS, not cut. */
export const json = (value: unknown) => ui`<pre class="json">${jsonText(value)}</pre>`;

/** JSON in a closed `details` element. @param label unique in its panel */
export const jsonOnDemand = (label: string, value: unknown) =>
  ui`<details class="on-demand" key=${label}><summary>${label}</summary>${json(value)}</details>`;
