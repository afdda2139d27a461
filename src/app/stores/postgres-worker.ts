/**
 * The ownership of a PostgreSQL database by this process: it takes all partitions and the order of events, from whatever
 * process had them, and keeps them until another process does the same.
 */
import { assertNoWorkers } from '#cluster/admission';
import { takeSequencer } from '#events/store/postgres/event-sequencer';
import { jobMachineVersion } from '#machines/job';
import { GatehouseError } from '#shared/errors';
import { createIdSource } from '#shared/ids';
import type { Log } from '#shared/log';
import { exchangeBeats, registerWorker, takeAllPartitions } from '#storage/postgres/leases';
import { partitions } from '#storage/postgres/partition';
import {
  createPartitionWriter,
  type PartitionWrite,
  type PartitionWriter,
} from '#storage/postgres/partition-writer';
import type { PostgresDatabase } from '#storage/postgres/postgres-database';
import { classifyPostgresError } from '#storage/postgres/postgres-errors';

export interface PostgresWorker {
  writer: PartitionWriter;
  /** Calls the listener when events got their places in the order; returns the unsubscribe function. */
  onAppended(listener: () => void): () => void;
  /** Writes to the database; the reason when that fails. Answers within seconds. */
  problem(): Promise<string | null>;
  /** Resolves when no write is in flight. */
  stop(): Promise<void>;
}

/** A server that is paused, or behind a network that drops packets, gives no answer. */
const answerWithinMs = 3_000;

/**
 * @param onFenced called once, when another process has taken the database over
 * @throws GH_STORE_NEWER when a newer version has worked on the database, GH_CLUSTER_SETTINGS when workers of a cluster
 *   do, GH_STORE_UNAVAILABLE
 */
export async function startPostgresWorker(
  database: PostgresDatabase,
  { log, onFenced }: { log: Log; onFenced: (error: GatehouseError) => void },
): Promise<PostgresWorker> {
  const worker = { id: createIdSource()(), machineVersion: jobMachineVersion };
  await assertNoWorkers(database);
  await registerWorker(database, worker);
  const taken = await takeAllPartitions(database, worker);
  if (taken.size < partitions) {
    const why = 'a newer version of Gatehouse has worked on this database; run that version';
    throw new GatehouseError('GH_STORE_NEWER', `${database.where}: ${why}`);
  }
  const listeners = new Set<() => void>();
  const sequencer = await takeSequencer({
    database,
    worker,
    log,
    onAppended: () => listeners.forEach((listener) => listener()),
  });
  const ended = new AbortController();
  let isFenced = false;
  const noticeFence = (error: unknown): void => {
    if (!(error instanceof GatehouseError) || error.code !== 'GH_STORE_FENCED' || isFenced) return;
    isFenced = true;
    onFenced(new GatehouseError('GH_STORE_FENCED', `${database.where}: ${takenOver}`));
  };
  const running = sequencer.run(ended.signal).catch(noticeFence);
  const writer = createPartitionWriter({ database });
  writer.hold(taken, worker.id);
  // A write, which changes nothing but the row of this worker.
  const probe = databaseProbe(database, async () => {
    await exchangeBeats(database, worker.id);
  });
  return {
    writer: withWrite(writer, async <Row>(write: PartitionWrite<Row>) => {
      try {
        const row = await writer.write(write);
        sequencer.wake();
        return row;
      } catch (error) {
        noticeFence(error);
        throw error;
      }
    }),
    onAppended(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    problem() {
      return isFenced ? Promise.resolve(takenOver) : probe();
    },
    async stop() {
      ended.abort();
      await running;
      await writer.close();
    },
  };
}

const takenOver = 'another process has taken this database over';

/** The same writer with another `write`. */
export const withWrite = (
  writer: PartitionWriter,
  write: PartitionWriter['write'],
): PartitionWriter => ({
  write,
  hold: (leases, workerId) => writer.hold(leases, workerId),
  holds: (partition) => writer.holds(partition),
  evict: (evicted) => writer.evict(evicted),
  close: () => writer.close(),
});

/** Does `work` on the database; resolves with the reason when that fails, within seconds. */
export function databaseProbe(
  database: PostgresDatabase,
  work: () => Promise<void>,
): () => Promise<string | null> {
  let probe: Promise<string | null> | null = null;
  return () => {
    // Callers that ask while the server is silent share one connection.
    probe ??= problemOf(database, work).finally(() => (probe = null));
    return within(answerWithinMs, probe);
  };
}

async function problemOf(
  database: PostgresDatabase,
  work: () => Promise<void>,
): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return classifyPostgresError(error, database.where).message;
  }
}

async function within(ms: number, result: Promise<string | null>): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const timer = setTimeout(resolve, ms, 'the server does not answer');
  try {
    return await Promise.race([result, promise]);
  } finally {
    clearTimeout(timer);
  }
}
