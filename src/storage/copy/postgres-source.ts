/** A PostgreSQL database as the source of a copy. Its leases are taken, so that no core can commit from then on. */
import { GatehouseError } from '#shared/errors';
import { createIdSource } from '#shared/ids';
import { openDatabase } from '../database.ts';
import { registerWorker, takeLeases, type HeldLease } from '../postgres/leases.ts';
import { partitionLease, partitions, sequencerLease } from '../postgres/partition.ts';
import type { PostgresDatabase, PostgresOptions } from '../postgres/postgres-database.ts';
import { shapesOf } from './copied-tables.ts';
import type { CopySource } from './copy-side.ts';
import { asCopyError, openForCopy, readingSide } from './postgres-side.ts';

/** @throws GH_STORE_LOCKED, GH_STORE_OLDER, and the errors of `openPostgres` */
export async function openPostgresSource(options: PostgresOptions): Promise<CopySource> {
  const { database, assertAlone } = await openForCopy(options, { schema: 'check' });
  try {
    const held = await fenceOwners(database);
    const places = await placeAll(database, held);
    const empty = await openDatabase({ path: ':memory:' });
    const tables = shapesOf(empty.connection);
    await empty.close();
    return {
      ...readingSide(database),
      tables,
      counters: async () => ({ journal: places, tickets: await lastTicket(database) }),
      async assertQuiet() {
        await assertAlone();
        await assertHeld(database, held);
      },
      close: () => database.close(),
    };
  } catch (error) {
    const { where } = database;
    await database.close();
    throw asCopyError(error, where);
  }
}

export interface HeldLeases {
  worker: string;
  leases: Map<string, HeldLease>;
}

/** Takes all leases, so that no core can commit from then on. @throws the error of the driver */
export async function fenceOwners(database: PostgresDatabase): Promise<HeldLeases> {
  const [row] = await database.run<{ version: number }>(
    { name: '', text: 'select coalesce(max(machine_version), 0) as version from lease' },
    [],
  );
  // As new as the newest owner: an older core can take none of them that it could not take before.
  const worker = { id: createIdSource()(), machineVersion: row!.version };
  await registerWorker(database, worker);
  const names = Array.from({ length: partitions }, (_, part) => partitionLease(part));
  const leases = await takeLeases(database, worker, [...names, sequencerLease]);
  return { worker: worker.id, leases };
}

/** Gives every committed position its place. Resolves with the last place. */
async function placeAll(
  database: PostgresDatabase,
  { worker, leases }: HeldLeases,
): Promise<number> {
  const epoch = leases.get(sequencerLease)!.epoch;
  const [row] = await database.run<{ last: number }>(
    { name: '', text: 'select append_ranges($1, $2::bigint) as last' },
    [worker, epoch],
  );
  return row!.last;
}

async function assertHeld(
  database: PostgresDatabase,
  { worker, leases }: HeldLeases,
): Promise<void> {
  const text = `select count(*) as lost from lease
    where name = any($2::text[]) and worker is distinct from $1`;
  const [row] = await database.run<{ lost: number }>({ name: '', text }, [
    worker,
    [...leases.keys()],
  ]);
  if (row!.lost === 0) return;
  throw new GatehouseError(
    'GH_STORE_LOCKED',
    `${database.where}: a core was started with it during the copy; stop it, empty the target, and run it again`,
  );
}

async function lastTicket(database: PostgresDatabase): Promise<number> {
  const text = `select coalesce(pg_sequence_last_value(
    pg_get_serial_sequence('embedding_backlog', 'ticket')::regclass), 0) as last`;
  const [row] = await database.run<{ last: number }>({ name: '', text }, []);
  return row!.last;
}
