/** Opens all storages on one PostgreSQL database, and takes it over from any other process. */
import { pruneEventRanges } from '#events/store/postgres/event-range-prune';
import { createPostgresDeliveryStore } from '#events/store/postgres/postgres-delivery-store';
import { createPostgresEventLogStore } from '#events/store/postgres/postgres-event-log-store';
import { createPostgresJobQueries } from '#jobs/store/postgres/postgres-job-queries';
import { createPostgresJobStore } from '#jobs/store/postgres/postgres-job-store';
import type { DocumentStorage } from '#library/document-port';
import { GatehouseError } from '#shared/errors';
import type { FaultInjector } from '#shared/fault-points';
import type { Log } from '#shared/log';
import { createPostgresCountStore } from '#storage/postgres/postgres-counts';
import { openPostgres } from '#storage/postgres/postgres-database';
import { classifyPostgresError } from '#storage/postgres/postgres-errors';
import { createPostgresMaintenance } from '#storage/postgres/postgres-maintenance';
import type { EventStorage } from '#tools/calendar/calendar-port';
import type { PostgresSettings } from '../config/database-settings.ts';
import { startPostgresWorker } from './postgres-worker.ts';
import type { Stores } from './stores.ts';

/** @throws GatehouseError whose code names why the database cannot be used */
export async function openPostgresStores(
  settings: PostgresSettings,
  parts: { faults: FaultInjector; log: Log; onFenced: (error: GatehouseError) => void },
): Promise<Stores> {
  const database = await openPostgres(settings);
  try {
    const worker = await startPostgresWorker(database, parts);
    const queries = createPostgresJobQueries(database);
    return {
      jobs: createPostgresJobStore(database, worker.writer),
      queries,
      events: createPostgresEventLogStore(database),
      onAppended: worker.onAppended,
      deliveries: createPostgresDeliveryStore(database),
      documents: absentDocuments,
      calendar: absentCalendar,
      openVectors: () => Promise.resolve({ ok: false, reason: absent }),
      counts: createPostgresCountStore(database),
      maintenance: createPostgresMaintenance(database),
      removals: {
        jobs: (before) => queries.prune(before),
        event_ranges: (before) => pruneEventRanges(database, before),
      },
      async health() {
        const problem = await worker.problem();
        return { problem, isProven: problem === null };
      },
      async close() {
        await worker.stop();
        await database.close();
      },
    };
  } catch (error) {
    const failure = classifyPostgresError(error, database.where);
    await database.close().catch(() => undefined);
    throw failure;
  }
}

const absent = 'not available on PostgreSQL yet';
const refuse = (): Promise<never> =>
  Promise.reject(new GatehouseError('GH_STORE_UNAVAILABLE', absent));
const none = (): Promise<never[]> => Promise.resolve([]);
const nothing = (): Promise<null> => Promise.resolve(null);

const absentDocuments: DocumentStorage = {
  drafts: {
    find: nothing,
    findListed: nothing,
    nextDue: nothing,
    rescheduleFutureDates: () => undefined,
    list: none,
    claimed: none,
    undecided: none,
    versions: none,
    versionPage: none,
    version: nothing,
    sections: none,
    getSetting: nothing,
  },
  events: { ofDocument: none, newest: none, prune: () => Promise.resolve(0) },
  find: nothing,
  findFile: nothing,
  search: none,
  filterMatching: none,
  list: none,
  outdatedIndexIds: none,
  commit: refuse,
  purgeDeleted: () => Promise.resolve(0),
};

const absentCalendar: EventStorage = {
  add: refuse,
  putAll: refuse,
  touching: none,
  textPage: none,
  text: nothing,
};
