/** Workers and their leases. Who takes a lease fences its owner: no clock and no lock of a session decides. */
import { partitionLease, partitions } from './partition.ts';
import type { PostgresDatabase, PreparedStatement } from './postgres-database.ts';

export interface HeldLease {
  epoch: number;
  /** The last position that was committed. */
  pos: number;
}

export interface Worker {
  /** Never used again: a process that was fenced registers as another worker. */
  id: string;
  machineVersion: number;
}

/** Locks are taken in this order by all statements that lock more than one lease. */
export const inLockOrder = (names: readonly string[]): string[] =>
  names.toSorted((a, b) => (a < b ? -1 : 1));

/** @throws the error of the driver */
export async function registerWorker(database: PostgresDatabase, worker: Worker): Promise<void> {
  await database.run(insertWorker, [worker.id, worker.machineVersion]);
}

/**
 * Takes leases, also from a worker that is alive. Leases of a newer machine are not taken, and are missing in the result.
 * @throws the error of the driver
 */
export async function takeLeases(
  database: PostgresDatabase,
  worker: Worker,
  names: readonly string[],
): Promise<Map<string, HeldLease>> {
  const values = [worker.id, worker.machineVersion, inLockOrder(names)];
  const rows = await database.run(take, values);
  return new Map(rows.map(({ name, epoch, pos }) => [name, { epoch, pos }]));
}

/** A write that changes nothing but the worker's own row; it is not repeated. @throws the error of the driver */
export async function beat({ query }: PostgresDatabase, { id }: Worker): Promise<void> {
  await query
    .updateTable('worker')
    .set((row) => ({ beat: row('beat', '+', 1) }))
    .where('id', '=', id)
    .execute();
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

const insertWorker: PreparedStatement<never> = {
  name: 'insert_worker',
  text: `insert into worker (id, beat, gone, machine_version) values ($1, 0, false, $2)
    on conflict (id) do nothing`,
};

const take: PreparedStatement<{ name: string; epoch: number; pos: number }> = {
  name: 'take_leases',
  text: `select lease_name as name, lease_epoch as epoch, lease_pos as pos
    from take_leases($1, $2, $3)`,
};
