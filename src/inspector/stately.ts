/**
 * The messages that Stately's tools understand, made from frames: one actor per job, each event that it
 * got, each snapshot after it. Made from the journal, so the times are those at which things happened and
 * the first snapshot is really the first. Pure.
 */
import { jobMachine } from '../../machines/job.ts';
import type { Frame } from './frame.ts';

/** The version of @statelyai/inspect whose messages these are. */
const protocolVersion = '0.7.2';

export interface StatelyMessage {
  type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot';
  sessionId: string;
  rootId: string;
  createdAt: string;
  id: string;
  _version: string;
  [field: string]: unknown;
}

/** The machine as Stately's tools draw it. */
export const jobDefinition = JSON.stringify(jobMachine.config, (_key, value: unknown) =>
  typeof value === 'function' ? { type: value.name } : value,
);

/** The messages of one frame. `context` is the job's whole context after it. */
export function statelyMessages(
  jobId: string,
  frame: Frame,
  context: Record<string, unknown>,
): StatelyMessage[] {
  const base = (kind: string) => ({
    sessionId: jobId,
    rootId: jobId,
    createdAt: String(frame.at),
    id: `${jobId}:${frame.n}:${kind}`,
    _version: protocolVersion,
  });
  const snapshot = {
    status: frame.isEnded ? 'done' : 'active',
    value: frame.value,
    context,
    tags: frame.tags,
    children: Object.fromEntries(frame.running.map((key) => [key.split(':')[1] ?? key, {}])),
    ...(frame.isEnded ? { output: context['reply'] } : {}),
  };
  const { event } = frame;
  const actor: StatelyMessage[] =
    frame.n === 1
      ? [
          {
            type: '@xstate.actor',
            name: `job/${jobId}`,
            parentId: undefined,
            definition: jobDefinition,
            snapshot,
            ...base('actor'),
          },
        ]
      : [];
  return [
    ...actor,
    { type: '@xstate.event', event, sourceId: undefined, ...base('event') },
    { type: '@xstate.snapshot', event, snapshot, ...base('snapshot') },
  ];
}

/** What an inspector client may send us: an object with these types and a version. Unchecked beyond that. */
export function isStatelyMessage(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const { type, _version } = value as Record<string, unknown>;
  const known = ['@xstate.actor', '@xstate.event', '@xstate.snapshot'];
  return typeof type === 'string' && known.includes(type) && typeof _version === 'string';
}
