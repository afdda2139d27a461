/** The storages of one core, as ports: the core and its parts know no database. */
import type { DeliveryReportStorage, EventLogStorage } from '#events/event-log-port';
import type { JobQueries } from '#jobs/store/job-queries';
import type { JobRedaction } from '#jobs/store/job-redaction';
import type { JobStorage } from '#jobs/job-store-port';
import type { DocumentStorage } from '#library/document-port';
import type { OpenedVectors } from '#library/semantic/embedding-port';
import type { MemoryStorage } from '#memory/memory-port';
import type { ScheduleStorage } from '#schedules/schedule-port';
import type { SessionStorage } from '#sessions/session-port';
import type { MaybePromise } from '#shared/maybe-promise';
import type { Counts } from '#storage/count-store';
import type { DatabaseMaintenance } from '#storage/maintenance';
import type { RetentionOptions } from '#storage/retention-job';
import type { SharedDatabase } from './shared-database.ts';
import type { EventStorage } from '#tools/calendar/calendar-port';

export interface StoreHealth {
  /** Why the database cannot be used at this moment, in one sentence; null if nothing is known against it. */
  problem: string | null;
  /** A write has just succeeded: an earlier commit that failed says nothing any more. */
  isProven: boolean;
}

export interface Stores {
  /** Null: this process is the only one that writes. */
  shared: SharedDatabase | null;
  jobs: JobStorage;
  queries: JobQueries;
  events: EventLogStorage;
  /**
   * Calls the listener when `events` has new rows; returns the unsubscribe function. Null: rows can be read as soon as
   * they are committed.
   */
  onAppended: ((listener: () => void) => () => void) | null;
  deliveries: DeliveryReportStorage;
  documents: DocumentStorage;
  calendar: EventStorage;
  schedules: ScheduleStorage;
  memory: MemoryStorage;
  sessions: SessionStorage;
  /** Removes what people have forgotten from their ended jobs. */
  redaction: JobRedaction;
  openVectors(): Promise<OpenedVectors>;
  counts(): MaybePromise<Counts>;
  maintenance: DatabaseMaintenance;
  /** What the retention removes. */
  removals: RetentionOptions['removals'];
  health(): MaybePromise<StoreHealth>;
  close(): Promise<void>;
}
