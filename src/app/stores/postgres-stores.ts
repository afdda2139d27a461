/** Opens all storages on one PostgreSQL database, and takes it over from any other process, unless workers share it. */
import { pruneEventRanges } from '#events/store/postgres/event-range-prune';
import { createPostgresDeliveryStore } from '#events/store/postgres/postgres-delivery-store';
import { createPostgresEventLogStore } from '#events/store/postgres/postgres-event-log-store';
import { createPostgresJobRedaction } from '#jobs/store/job-redaction';
import { createPostgresJobQueries } from '#jobs/store/postgres/postgres-job-queries';
import { createPostgresJobStore } from '#jobs/store/postgres/postgres-job-store';
import { createPostgresDocumentStore } from '#library/store/postgres/postgres-document-store';
import { openPostgresVectors } from '#library/store/postgres/postgres-vector-store';
import { createPostgresSessionStore } from '#sessions/store/postgres/postgres-session-store';
import type { GatehouseError } from '#shared/errors';
import type { FaultInjector } from '#shared/fault-points';
import type { Log } from '#shared/log';
import { createPostgresCountStore } from '#storage/postgres/postgres-counts';
import { openPostgres } from '#storage/postgres/postgres-database';
import { classifyPostgresError } from '#storage/postgres/postgres-errors';
import { createPostgresMaintenance } from '#storage/postgres/postgres-maintenance';
import { createPostgresMemoryStore } from '#memory/store/postgres/postgres-memory-store';
import { createPostgresScheduleStore } from '#schedules/store/postgres/postgres-schedule-store';
import { createPostgresCalendarStore } from '#tools/calendar/store/postgres-calendar-store';
import type { PostgresSettings } from '../config/database-settings.ts';
import { shareDatabase } from './shared-database.ts';
import { startPostgresWorker } from './postgres-worker.ts';
import type { Stores } from './stores.ts';

/** @throws GatehouseError whose code names why the database cannot be used */
export async function openPostgresStores(
  settings: PostgresSettings,
  parts: {
    faults: FaultInjector;
    log: Log;
    /** Several workers share it: the leases are not taken here. */
    isShared?: boolean;
    onFenced: (error: GatehouseError) => void;
  },
): Promise<Stores> {
  const database = await openPostgres(settings);
  try {
    const shared = parts.isShared === true ? shareDatabase(database) : null;
    const worker = shared ?? (await startPostgresWorker(database, parts));
    const queries = createPostgresJobQueries(database);
    const documents = createPostgresDocumentStore(database, worker.writer, parts.faults);
    const schedules = createPostgresScheduleStore(database, worker.writer);
    const sessions = createPostgresSessionStore(database);
    const memory = createPostgresMemoryStore(database, worker.writer);
    return {
      shared,
      jobs: createPostgresJobStore(database, worker.writer),
      queries,
      events: createPostgresEventLogStore(database),
      onAppended: worker.onAppended,
      deliveries: createPostgresDeliveryStore(database),
      documents,
      calendar: createPostgresCalendarStore(database),
      schedules,
      memory,
      sessions,
      redaction: createPostgresJobRedaction(database),
      openVectors: () => openPostgresVectors(database),
      counts: createPostgresCountStore(database),
      maintenance: createPostgresMaintenance(database),
      removals: {
        jobs: (before) => queries.prune(before),
        documents: (before) => documents.purgeDeleted(before),
        document_events: (before) => documents.events.prune(before),
        schedules: (before) => schedules.prune(before),
        forgotten_facts: (before) => memory.prune(before),
        sessions: (before) => sessions.prune(before),
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
