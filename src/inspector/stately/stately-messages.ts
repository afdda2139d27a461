/**
 * Converts frames to messages for Stately's tools: one actor per job, each event that it received, each snapshot after
 * it. Made from the journal, so the times are the stored times and the first snapshot is really the first. Pure.
 */
import { jobMachine } from '#machines/job';
import type { ExternalMessage, ReplayFrame, PageMessage } from '../page-messages.ts';

/** The version of @statelyai/inspect that defines these messages. */
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

/** The machine's definition for Stately's tools. */
export const jobDefinition = JSON.stringify(jobMachine.config, (_key, value: unknown) =>
  typeof value === 'function' ? { type: value.name } : value,
);

/** The messages of one frame. `context` is the job's whole context after it. */
export function statelyMessages(
  jobId: string,
  frame: ReplayFrame,
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

/** A message of an inspector client: an object with one of these types and a version. Other fields are not checked. */
export function isStatelyMessage(value: unknown): value is ExternalMessage {
  if (typeof value !== 'object' || value === null) return false;
  const { type, _version } = value as Record<string, unknown>;
  const known = ['@xstate.actor', '@xstate.event', '@xstate.snapshot'];
  return typeof type === 'string' && known.includes(type) && typeof _version === 'string';
}

type ExternalActorMessage = Extract<PageMessage, { type: 'gatehouse.guest' }>;

export function createExternalActorFeed() {
  const listeners = new Set<(message: ExternalActorMessage) => void>();
  return {
    subscribe(listener: (message: ExternalActorMessage) => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    publish(peer: number, message: ExternalMessage): void {
      for (const listener of listeners) listener({ type: 'gatehouse.guest', peer, message });
    },
  };
}
export type ExternalActorFeed = ReturnType<typeof createExternalActorFeed>;
