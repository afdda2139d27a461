/** Opens all storages on one SQLite file. */
import { createDeliveryStore, createEventLogStore } from '#events/store/event-log-store';
import { createJobQueries } from '#jobs/store/job-queries';
import { createJobRedaction } from '#jobs/store/job-redaction';
import { createJobStore } from '#jobs/store/job-store';
import { createDocumentStore } from '#library/store/document-store';
import { openVectorStore } from '#library/store/vector-store';
import { createMemoryStore } from '#memory/store/memory-store';
import { createScheduleStore } from '#schedules/store/schedule-store';
import { createSessionStore } from '#sessions/store/session-store';
import type { FaultInjector } from '#shared/fault-points';
import type { Log } from '#shared/log';
import { createCountStore } from '#storage/count-store';
import { openDatabase } from '#storage/database';
import { watchDatabase } from '#storage/database-watch';
import { createDatabaseMaintenance } from '#storage/maintenance';
import { createCalendarStore } from '#tools/calendar/store/calendar-store';
import type { Stores } from './stores.ts';

/** @throws GatehouseError whose code names why the file cannot be used */
export async function openSqliteStores(
  path: string,
  { faults, log }: { faults: FaultInjector; log: Log },
): Promise<Stores> {
  const database = await openDatabase({ path });
  const watch = watchDatabase(database, log);
  const queries = createJobQueries(database);
  const documents = createDocumentStore(database, faults);
  const schedules = createScheduleStore(database);
  const sessions = createSessionStore(database);
  const memory = createMemoryStore(database);
  return {
    shared: null,
    jobs: createJobStore(database),
    queries,
    events: createEventLogStore(database),
    onAppended: null,
    deliveries: createDeliveryStore(database),
    documents,
    calendar: createCalendarStore(database),
    schedules,
    memory,
    sessions,
    redaction: createJobRedaction(database),
    openVectors: () => openVectorStore(database),
    counts: createCountStore(database),
    maintenance: createDatabaseMaintenance(database, path),
    removals: {
      jobs: (before) => queries.prune(before),
      documents: (before) => documents.purgeDeleted(before),
      document_events: (before) => documents.events.prune(before),
      schedules: (before) => schedules.prune(before),
      forgotten_facts: (before) => memory.prune(before),
      sessions: (before) => sessions.prune(before),
    },
    health: () => ({ problem: watch.problem(), isProven: false }),
    async close() {
      watch.stop();
      await database.close();
    },
  };
}
