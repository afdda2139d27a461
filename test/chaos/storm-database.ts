/**
 * The database of a storm: the SQLite file of the one core, or a PostgreSQL primary with a synchronous standby. Both are
 * read by one reader after the programs have ended.
 */
import { createJobStore } from '#jobs/store/job-store';
import type { JobStorage } from '#jobs/job-store-port';
import { createPostgresJobStore } from '#jobs/store/postgres/postgres-job-store';
import type { Promised } from '#shared/maybe-promise';
import { openDatabase } from '#storage/database';
import { sequencerLease } from '#storage/postgres/partition';
import { createPartitionWriter } from '#storage/postgres/partition-writer';
import { openPostgres } from '#storage/postgres/postgres-database';
import { preparePostgres, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { installLeaseLog, readPartitions } from './lease-log.ts';
import type { PartitionsSeen } from './observations.ts';

/** What the audit reads. */
export interface StoredJobs {
  jobs: Pick<JobStorage, 'find' | 'rows'> | Pick<Promised<JobStorage>, 'find' | 'rows'>;
  ids: readonly string[];
  close(): Promise<void>;
}

export interface StormDatabase {
  /** Null: SQLite. */
  readonly postgres: StormPostgres | null;
  /** No program may use it. */
  read(): Promise<StoredJobs>;
}

export interface StormPostgres {
  /** Of the two servers; both stay the same when the roles change. */
  readonly ports: readonly [number, number];
  readonly primary: PostgresServer;
  /** The address of the database, behind these ports. */
  urlOf(ports: readonly number[]): string;
  /** From now on each change of a lease is recorded. The schema must be there. */
  watchLeases(): Promise<void>;
  /** The primary is lost with all its data, the standby is promoted, and a new standby follows it. */
  failOver(): Promise<void>;
  /** For the report: how far events and replies were published, and the last place of an event. */
  readOutbox(): Promise<string>;
  /** What was recorded, and what is stored. */
  readPartitions(): Promise<PartitionsSeen>;
  close(): Promise<void>;
}

export const sqliteDatabase = (path: string): StormDatabase => ({
  postgres: null,
  async read() {
    const database = await openDatabase({ path });
    const rows = await database.query.selectFrom('job').select('id').execute();
    return {
      jobs: createJobStore(database),
      ids: rows.map(({ id }) => id),
      close: () => database.close(),
    };
  },
});

export const postgresDatabase = (postgres: StormPostgres): StormDatabase => ({
  postgres,
  async read() {
    const url = postgres.urlOf([postgres.primary.port]);
    const database = await openPostgres({ url, schema: 'check' });
    const rows = await database.query.selectFrom('job').select('id').execute();
    return {
      jobs: createPostgresJobStore(database, createPartitionWriter({ database })),
      ids: rows.map(({ id }) => id),
      close: () => database.close(),
    };
  },
});

/** @throws Error if PostgreSQL is not installed or does not start */
export async function openStormPostgres(): Promise<StormPostgres> {
  const missing = preparePostgres();
  if (missing !== null) throw new Error(missing);
  let primary = await startPostgres();
  let standby: PostgresServer | null = null;
  const close = async (): Promise<void> => {
    await standby?.remove();
    await primary.remove();
  };
  try {
    const name = await primary.createDatabase();
    standby = await primary.startStandby();
    const ports = [primary.port, standby.port] as const;
    return {
      ports,
      get primary() {
        return primary;
      },
      urlOf(hosts) {
        const list = hosts.map((port) => `127.0.0.1:${port}`).join(',');
        return primary.urlOf(name).replace(`127.0.0.1:${primary.port}`, list);
      },
      watchLeases: () => installLeaseLog(primary, name),
      async failOver() {
        const [lost, next] = [primary, standby!];
        await lost.kill();
        await next.promote();
        primary = next;
        standby = null;
        await lost.remove();
        standby = await next.startStandby(lost.port);
      },
      async readOutbox() {
        const { rows } = await primary.run(
          `select name, pos from relay union all
            select name, pos from lease where name = '${sequencerLease}' order by name`,
          name,
        );
        return rows.map((row) => `${row.name} ${row.pos}`).join(', ');
      },
      readPartitions: () => readPartitions(primary, name),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
