/**
 * The JetStream streams of Gatehouse and their settings (docs/events.md): created if missing, else compared.
 *
 * A stream whose settings break a guarantee is reported and not used; one tuned by an operator (more replicas, a
 * longer retention) is used, with a note. Existing streams are never changed.
 */
import {
  DiscardPolicy,
  JetStreamApiCodes,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from 'nats';
import { dayMs } from '#shared/calendar/time-units';
import { commandBytesMax, type Subjects } from '#shared/wire/subjects';
import { GatehouseError } from '#shared/errors';
import { hasApiCode } from '../connection/nats-problem.ts';

export type StreamSpec = Pick<
  StreamConfig,
  'name' | 'subjects' | 'retention' | 'storage' | 'discard'
> &
  Partial<StreamConfig>;

export interface StreamSpecs {
  events: StreamSpec;
  commands: StreamSpec;
  replies: StreamSpec;
  deliveries: StreamSpec;
  dead: StreamSpec;
}

/** Retention of events and unconsumed messages. Covers a week's absence; older events are in the journal. */
export const eventRetentionMs = 7 * dayMs;
const megabyte = 1024 ** 2;

/**
 * `replicas`: NATS servers that keep a copy of each stream.
 * `max_consumers` per stream: a consumer costs broker memory, and a client that may create one may create many.
 */
export function createStreamSpecs({ wildcards }: Subjects, replicas = 1): StreamSpecs {
  const file = { storage: StorageType.File, num_replicas: replicas };
  const drop = { ...file, discard: DiscardPolicy.Old };
  return {
    events: {
      ...drop,
      name: 'GH_EVT',
      description: 'Gatehouse: every state event of every job',
      subjects: [wildcards.events],
      retention: RetentionPolicy.Limits,
      max_age: nanos(eventRetentionMs),
      max_bytes: 1024 * megabyte,
      // The relay finds its cursor in the stream itself; this only drops messages sent twice meanwhile.
      duplicate_window: nanos(10 * 60_000),
      max_consumers: 256,
      allow_direct: true,
      republish: { src: wildcards.events, dest: wildcards.live },
    },
    commands: {
      ...file,
      name: 'GH_CMD',
      description: 'Gatehouse: messages to be accepted',
      subjects: [wildcards.commands],
      retention: RetentionPolicy.Workqueue,
      // When full, the broker refuses new messages and reports it to the sender; accepted messages are not lost.
      discard: DiscardPolicy.New,
      max_msgs: 10_000,
      max_msg_size: commandBytesMax,
      max_age: nanos(eventRetentionMs),
      duplicate_window: nanos(3_600_000),
      max_consumers: 4,
    },
    replies: {
      ...drop,
      name: 'GH_RPL',
      description: 'Gatehouse: replies that a bridge has not posted yet',
      subjects: [wildcards.replies],
      retention: RetentionPolicy.Workqueue,
      max_age: nanos(eventRetentionMs),
      max_bytes: 128 * megabyte,
      // An acknowledged reply is deleted from the stream: only this window keeps a duplicate out of the chat.
      duplicate_window: nanos(dayMs),
      max_consumers: 64,
    },
    deliveries: {
      ...drop,
      name: 'GH_DLV',
      description: 'Gatehouse: what became of replies',
      subjects: [wildcards.deliveries],
      retention: RetentionPolicy.Workqueue,
      max_age: nanos(eventRetentionMs),
      max_bytes: 32 * megabyte,
      max_msg_size: 16 * 1024,
      duplicate_window: nanos(3_600_000),
      max_consumers: 4,
    },
    dead: {
      ...drop,
      name: 'GH_DEAD',
      description: 'Gatehouse: messages that could not be processed, for people to look at',
      subjects: [wildcards.dead],
      retention: RetentionPolicy.Limits,
      max_age: nanos(30 * dayMs),
      max_bytes: 32 * megabyte,
      duplicate_window: nanos(3_600_000),
      max_consumers: 16,
    },
  };
}

/**
 * Creates the stream if it is missing; returns its state.
 * @throws GH_BUS_STREAM if it exists with settings that break a guarantee.
 */
export async function ensureStream(
  jsm: JetStreamManager,
  spec: StreamSpec,
): Promise<{ info: StreamInfo; notes: string[] }> {
  const info = await streamInfoOf(jsm, spec.name);
  if (info === null) return { info: await jsm.streams.add(spec), notes: [] };
  const { broken, notes } = compareStream(spec, info.config);
  if (broken.length > 0) {
    throw new GatehouseError(
      'GH_BUS_STREAM',
      `stream ${spec.name} is not used: ${broken.join('; ')}. Rename or remove it, or give Gatehouse an account of its own`,
    );
  }
  return { info, notes };
}

/** Null: there is no such stream. @throws the error of the client */
export async function streamInfoOf(
  jsm: JetStreamManager,
  name: string,
): Promise<StreamInfo | null> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (hasApiCode(error, JetStreamApiCodes.StreamNotFound)) return null;
    throw error;
  }
}

/** Settings that a guarantee depends on: must equal ours. */
const essential = ['subjects', 'retention', 'storage', 'discard', 'republish'] as const;
/** Settings that an operator may change; a difference is noted. */
const tunable = [
  'max_age',
  'max_bytes',
  'max_msgs',
  'max_msg_size',
  'max_consumers',
  'duplicate_window',
] as const;

export function compareStream(
  spec: StreamSpec,
  found: StreamConfig,
): { broken: string[]; notes: string[] } {
  const differences = (keys: readonly (keyof StreamConfig)[]): string[] =>
    keys
      .filter((key) => text(spec[key]) !== text(found[key]))
      .map((key) => `${key} is ${text(found[key])}, expected ${text(spec[key])}`);
  const broken = differences(essential);
  if (found.mirror !== undefined || (found.sources?.length ?? 0) > 0) {
    broken.push('it copies another stream');
  }
  if (found.sealed) broken.push('it is sealed');
  const copies = replicaProblem(spec, found.num_replicas);
  if (copies !== null) broken.push(copies);
  return {
    broken,
    notes: differences(tunable.filter((key) => spec[key] !== undefined)).map(
      (difference) => `${spec.name}: ${difference}`,
    ),
  };
}

/** More copies than expected are fine. */
export function replicaProblem(
  { name, num_replicas = 1 }: StreamSpec,
  found: number,
): string | null {
  if (found >= num_replicas) return null;
  return `${name} has ${found} of ${num_replicas} copies: nats stream edit ${name} --replicas ${num_replicas}`;
}

/** Comparable and printable; key order is ignored, and an absent setting is `none`. */
function text(value: unknown): string {
  if (value === undefined || value === null) return 'none';
  if (typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, one]) => Boolean(one));
  return JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b))));
}
