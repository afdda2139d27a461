/**
 * Whether a process may join as a worker: its settings are those of the workers that live, and none of them has its name.
 * Rows of processes that were killed look like workers until their beat is seen to stand still.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { GatehouseError } from '#shared/errors';
import { markGone, sameName } from '#storage/postgres/leases';
import type { PostgresDatabase } from '#storage/postgres/postgres-database';
import { guardPostgres } from '#storage/postgres/postgres-errors';
import { differenceOf, parseWorkerInfo, type WorkerInfo } from '#storage/postgres/worker-info';

export interface Candidate {
  name: string;
  /** `cluster.partitions`. */
  partitions: number;
  info: WorkerInfo;
}

interface Conflict {
  id: string;
  beat: number;
  error: GatehouseError;
  /** Without a beat for so long it is gone. */
  goneAfterMs: number;
}

/**
 * Takes up to `goneAfterMs` when a worker of this name, or with other settings, was killed just now; else one round trip.
 * @throws GH_CLUSTER_SETTINGS, GH_CLUSTER_WORKER, GH_STORE_UNAVAILABLE
 */
export async function admitWorker(database: PostgresDatabase, candidate: Candidate): Promise<void> {
  const found = await guardPostgres(unread, () => countPartitions(database));
  if (found !== candidate.partitions) {
    throw new GatehouseError(
      'GH_CLUSTER_SETTINGS',
      `${database.where} has ${found} partitions, and cluster.partitions is ${candidate.partitions}; the number is fixed when the database is made: set cluster.partitions: ${found}`,
    );
  }
  await outlast(database, candidate.info.settings.goneAfterMs, (row) =>
    conflictWith(candidate, row),
  );
}

/**
 * For a process without the section `cluster`, which would take the work of all workers.
 * @throws GH_CLUSTER_SETTINGS when workers of a cluster live, GH_STORE_UNAVAILABLE
 */
export async function assertNoWorkers(database: PostgresDatabase): Promise<void> {
  await outlast(database, 0, ({ name, info }) =>
    parseWorkerInfo(info) === null
      ? null
      : new GatehouseError(
          'GH_CLUSTER_SETTINGS',
          `${database.where} is in use by workers of a cluster (${name}), and this process has no cluster section; add it, or stop the workers`,
        ),
  );
}

const unread = 'The workers in the database cannot be read';

interface Row {
  id: string;
  name: string;
  beat: number;
  info: string;
}

/** Waits until no conflict is left, and marks those gone whose beat stands still. @throws the error of one that lives */
const outlast = (
  database: PostgresDatabase,
  goneAfterMs: number,
  errorOf: (row: Row) => GatehouseError | null,
): Promise<void> => guardPostgres(unread, () => outlastConflicts(database, goneAfterMs, errorOf));

async function outlastConflicts(
  database: PostgresDatabase,
  goneAfterMs: number,
  errorOf: (row: Row) => GatehouseError | null,
): Promise<void> {
  const began = performance.now();
  const seen = new Map<string, number>();
  for (;;) {
    const conflicts = (await database.run(selectWorkers, [])).flatMap((row): Conflict[] => {
      const error = errorOf(row);
      if (error === null) return [];
      const silence = parseWorkerInfo(row.info)?.settings.goneAfterMs ?? 0;
      return [{ ...row, error, goneAfterMs: Math.max(silence, goneAfterMs) }];
    });
    for (const conflict of conflicts) {
      const { id, beat, error } = conflict;
      if (beat !== (seen.get(id) ?? beat)) throw error;
      seen.set(id, beat);
      if (performance.now() - began > conflict.goneAfterMs) await markGone(database, conflict);
    }
    if (conflicts.length === 0) return;
    await sleep(pollMs);
  }
}

/** Shorter than the shortest beat. */
const pollMs = 50;

function conflictWith({ name, info }: Candidate, other: Row): GatehouseError | null {
  if (other.name === name) return new GatehouseError('GH_CLUSTER_WORKER', sameName(name));
  const theirs = parseWorkerInfo(other.info);
  const difference = theirs && differenceOf(info.settings, theirs.settings);
  if (difference === null) return null;
  return new GatehouseError(
    'GH_CLUSTER_SETTINGS',
    `the worker ${other.name} has other settings: ${difference}; give all workers the same, or stop the others first`,
  );
}

async function countPartitions(database: PostgresDatabase): Promise<number> {
  const [row] = await database.run(selectPartitions, []);
  return row?.count ?? 0;
}

const selectPartitions = {
  name: 'count_partitions',
  text: `select count(*)::int as count from lease where name like 'part/%'`,
  row: undefined as unknown as { count: number },
};

const selectWorkers = {
  name: 'select_workers',
  text: 'select id, name, beat, info from worker where not gone',
  row: undefined as unknown as Row,
};
