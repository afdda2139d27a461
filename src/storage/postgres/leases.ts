/** Workers and their leases. Who takes a lease fences its owner: no clock and no lock of a session decides. */
import { systemClock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import { partitionLease, partitions } from './partition.ts';
import type { PostgresDatabase, PreparedStatement } from './postgres-database.ts';
import { constraintOf } from './postgres-errors.ts';

export interface HeldLease {
  epoch: number;
  /** The last position that was committed. */
  pos: number;
}

export interface LeaseState {
  name: string;
  /** Null after a handover, and before the first owner. */
  worker: string | null;
  epoch: number;
  machineVersion: number;
}

export interface Worker {
  /** Never used again: a process that was fenced registers as another worker. */
  id: string;
  /** For people: that of the configuration. No other worker that is not gone may have it. */
  name?: string;
  machineVersion: number;
  /** JSON of a `WorkerInfo`. */
  info?: string;
}

/** A worker that is not gone. */
export interface LiveWorker extends Worker {
  beat: number;
  /** It has no connection to the message server: it keeps what it has until another worker takes it. */
  isIsolated: boolean;
}

/** Locks are taken in this order by all statements that lock more than one lease: that of the bytes, whatever the collation of the database. */
export const inLockOrder = (names: readonly string[]): string[] =>
  names.toSorted((a, b) => (a < b ? -1 : 1));

/** @throws GH_CLUSTER_WORKER if another worker has its name; else the error of the driver */
export async function registerWorker(database: PostgresDatabase, worker: Worker): Promise<void> {
  const { id, machineVersion, name = '', info = '{}' } = worker;
  try {
    await database.run(insertWorker, [id, machineVersion, name, info]);
  } catch (error) {
    if (constraintOf(error) !== 'worker_name') throw error;
    throw new GatehouseError('GH_CLUSTER_WORKER', sameName(name), { cause: error });
  }
}

/** One sentence with what to do. */
export const sameName = (name: string): string =>
  `another worker of this database has the name ${name}; give each its own cluster.workerId, or none`;

/**
 * Takes leases, also from a worker that is alive. Not taken, and missing in the result: leases of a newer machine, and
 * leases whose epoch is not the one in `epochs` (by name), if given.
 * @throws the error of the driver; GH001 for a worker that is marked gone
 */
export async function takeLeases(
  database: PostgresDatabase,
  worker: Worker,
  names: readonly string[],
  epochs: ReadonlyMap<string, number> | null = null,
): Promise<Map<string, HeldLease>> {
  const ordered = inLockOrder(names);
  const seen = epochs && ordered.map((name) => epochs.get(name) ?? null);
  const values = [worker.id, worker.machineVersion, ordered, seen];
  const rows = await database.run(take, values);
  return new Map(rows.map(({ name, epoch, pos }) => [name, { epoch, pos }]));
}

/** All partitions, for the one process that writes. @throws the error of the driver */
export async function takeAllPartitions(
  database: PostgresDatabase,
  worker: Worker,
): Promise<Map<number, HeldLease>> {
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const taken = await takeLeases(database, worker, all.map(partitionLease));
  return new Map(
    all.flatMap((partition) => {
      const lease = taken.get(partitionLease(partition));
      return lease === undefined ? [] : [[partition, lease]];
    }),
  );
}

/**
 * Says that this worker lives, and reads which others do. `now`: of its wall clock, only for people.
 * @returns all workers that are not gone; null when this worker is marked gone
 * @throws the error of the driver
 */
export async function exchangeBeats(
  database: PostgresDatabase,
  workerId: string,
  isIsolated = false,
  now: number = systemClock.now(),
): Promise<LiveWorker[] | null> {
  const rows = await database.run(beatWorker, [workerId, isIsolated, now]);
  return rows.some(({ id }) => id === workerId) ? rows : null;
}

/** Marks a worker gone, unless its beat has changed. @throws the error of the driver */
export async function markGone(
  database: PostgresDatabase,
  worker: { id: string; beat: number },
): Promise<boolean> {
  return (await database.run(markWorker, [worker.id, worker.beat])).length > 0;
}

/** The end of a worker: its leases are free, and others need not wait for its silence. @throws the error of the driver */
export async function leaveWorkers(database: PostgresDatabase, workerId: string): Promise<void> {
  await database.run(leave, [workerId]);
}

/**
 * Gives leases up, so that their next owner takes them at once. A lease that was taken meanwhile stays with its owner.
 * @throws the error of the driver
 */
export async function releaseLeases(
  database: PostgresDatabase,
  workerId: string,
  names: readonly string[],
): Promise<void> {
  await database.run(release, [workerId, inLockOrder(names)]);
}

/** Leases that are not partitions exist from their first use on. @throws the error of the driver */
export async function ensureLeases(
  database: PostgresDatabase,
  names: readonly string[],
): Promise<void> {
  await database.run(insertLeases, [inLockOrder(names)]);
}

/** The owners of all leases. @throws the error of the driver */
export const readLeases = (database: PostgresDatabase): Promise<LeaseState[]> =>
  database.run(selectOwners, []);

/** The `WorkerInfo` of each worker that is not gone, as JSON, by its id. @throws the error of the driver */
export async function readWorkerInfos(database: PostgresDatabase): Promise<Map<string, string>> {
  const rows = await database.run(selectInfos, []);
  return new Map(rows.map(({ id, info }) => [id, info]));
}

const selectInfos: PreparedStatement<{ id: string; info: string }> = {
  name: 'select_worker_infos',
  text: 'select id, info from worker where not gone',
};

const insertWorker: PreparedStatement<never> = {
  name: 'insert_worker',
  text: `insert into worker (id, beat, gone, machine_version, name, info)
    values ($1, 0, false, $2, $3, $4)
    on conflict (id) do nothing`,
};

const take: PreparedStatement<{ name: string; epoch: number; pos: number }> = {
  name: 'take_leases',
  text: `select lease_name as name, lease_epoch as epoch, lease_pos as pos
    from take_leases($1, $2, $3, $4)`,
};

const beatWorker: PreparedStatement<LiveWorker> = {
  name: 'beat_worker',
  // The update is not visible to the rest of the statement: the row of this worker is the one of its update.
  text: `with own as (update worker set beat = beat + 1, isolated = $2,
        clock_ms = $3 - floor(extract(epoch from clock_timestamp()) * 1000)::bigint
      where id = $1 and not gone
      returning id, name, beat, machine_version, isolated)
    select id, name, beat, machine_version as "machineVersion", isolated as "isIsolated" from own
    union all select id, name, beat, machine_version, isolated from worker
      where not gone and id <> $1`,
};

const markWorker: PreparedStatement<{ id: string }> = {
  name: 'mark_worker_gone',
  text: 'update worker set gone = true where id = $1 and beat = $2 and not gone returning id',
};

const release: PreparedStatement<never> = {
  name: 'release_leases',
  text: `update lease set worker = null from (
      select name from lease where worker = $1 and name = any($2) order by name collate "C" for update) as own
    where lease.name = own.name`,
};

const leave: PreparedStatement<never> = {
  name: 'leave_workers',
  text: `with own as (update worker set gone = true where id = $1), free as (
      select name from lease where worker = $1 order by name collate "C" for update)
    update lease set worker = null from free where lease.name = free.name`,
};

const insertLeases: PreparedStatement<never> = {
  name: 'insert_leases',
  text: 'insert into lease (name) select unnest($1::text[]) on conflict (name) do nothing',
};

const selectOwners: PreparedStatement<LeaseState> = {
  name: 'select_lease_owners',
  text: 'select name, worker, epoch, machine_version as "machineVersion" from lease',
};
