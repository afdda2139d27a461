/** The stores of jobs and events on each database, behind one shape: for tests that must hold on all of them. */
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { DeliveryReportStorage, EventLogStorage } from '#events/event-log-port';
import { createDeliveryStore, createEventLogStore } from '#events/store/event-log-store';
import { createPostgresDeliveryStore } from '#events/store/postgres/postgres-delivery-store';
import type { JobStorage } from '#jobs/job-store-port';
import { createJobQueries, type JobQueries } from '#jobs/store/job-queries';
import { createPostgresJobQueries } from '#jobs/store/postgres/postgres-job-queries';
import { createJobStore } from '#jobs/store/job-store';
import type { Promised } from '#shared/maybe-promise';
import { createCountStore, type Counts } from '#storage/count-store';
import { openDatabase } from '#storage/database';
import { createPostgresCountStore } from '#storage/postgres/postgres-counts';
import { postgresMissing, startPostgres, type PostgresServer } from './postgres-server.ts';
import { openPostgresWorker, type PostgresWorker } from './postgres-worker.ts';

export interface Stores {
  jobs: Promised<JobStorage>;
  events: Promised<EventLogStorage>;
  queries: JobQueries;
  deliveries: Promised<DeliveryReportStorage>;
  counts(): Promise<Counts>;
  /** Runs a statement without the stores, for rows and for damage that they do not make. Resolves with its rows. */
  run(sql: string): Promise<Record<string, unknown>[]>;
}

export interface StoreKind {
  name: string;
  missing: string | null;
  /** On an empty database that is removed after the test. */
  open(): Promise<Stores>;
}

/** A new database for each test would take ten times as long. */
export const emptyTables = `truncate job, journal, submission, relay, delivery, document_event, event_range, document, draft
  restart identity; update lease set pos = 0`;

/** To be called at the top of a test file. */
export function useStores(): StoreKind[] {
  const missing = postgresMissing();
  let server: PostgresServer | null = null;
  let database = '';
  let worker: PostgresWorker | null = null;
  beforeAll(async () => {
    if (missing !== null) return;
    server = await startPostgres();
    database = await server.createDatabase();
    worker = await openPostgresWorker({ url: server.urlOf(database) });
  });
  afterAll(async () => {
    await worker?.close();
    await server?.remove();
  });
  const openOnPostgres = async (): Promise<Stores> => {
    if (server === null || worker === null) throw new Error('PostgreSQL was not started');
    await server.run(emptyTables, database);
    await worker.takePartitions();
    const sequencer = await worker.takeSequencer();
    const { jobs, events, database: open } = worker;
    return {
      events,
      // As it runs beside the journal: every commit wakes the sequencer.
      jobs: {
        ...jobs,
        async commit(changes) {
          await jobs.commit(changes);
          await sequencer.append();
        },
      },
      queries: createPostgresJobQueries(open),
      deliveries: createPostgresDeliveryStore(open),
      counts: createPostgresCountStore(open),
      run: (text) => open.run({ name: '', text }, []),
    };
  };
  return [
    { name: 'SQLite', missing: null, open: openOnSqlite },
    { name: 'PostgreSQL', missing, open: openOnPostgres },
  ];
}

async function openOnSqlite(): Promise<Stores> {
  const database = await openDatabase({ path: ':memory:' });
  onTestFinished(() => database.close());
  return {
    jobs: promised(createJobStore(database)),
    events: promised(createEventLogStore(database)),
    queries: createJobQueries(database),
    deliveries: promised(createDeliveryStore(database)),
    counts: async () => createCountStore(database)(),
    async run(text) {
      const statement = database.connection.prepare<[], Record<string, unknown>>(text);
      if (statement.reader) return statement.all();
      statement.run();
      return [];
    },
  };
}

type Method = (...args: unknown[]) => unknown;

/** Throws as a rejection. */
function promised<Port extends object>(port: Port): Promised<Port> {
  const methods = Object.entries(port as Record<string, Method>).map(([name, method]) => [
    name,
    async (...args: unknown[]) => method(...args),
  ]);
  return Object.fromEntries(methods) as Promised<Port>;
}
