/** A process that writes to a PostgreSQL database, as far as the tests of the stores need it. */
import type { EventLogStorage } from '#events/event-log-port';
import { takeSequencer, type EventSequencer } from '#events/store/postgres/event-sequencer';
import { createPostgresEventLogStore } from '#events/store/postgres/postgres-event-log-store';
import type { JobStorage } from '#jobs/job-store-port';
import { createPostgresJobStore } from '#jobs/store/postgres/postgres-job-store';
import { createIdSource } from '#shared/ids';
import { silentLog } from '#shared/log';
import type { Promised } from '#shared/maybe-promise';
import { registerWorker, takeAllPartitions, type Worker } from '#storage/postgres/leases';
import {
  createPartitionWriter,
  type PartitionWriter,
  type WriterOptions,
} from '#storage/postgres/partition-writer';
import {
  openPostgres,
  type PostgresDatabase,
  type PostgresOptions,
} from '#storage/postgres/postgres-database';

export interface PostgresWorker {
  database: PostgresDatabase;
  worker: Worker;
  writer: PartitionWriter;
  jobs: Promised<JobStorage>;
  events: Promised<EventLogStorage>;
  /** Takes all partitions from their owners. */
  takePartitions(): Promise<void>;
  takeSequencer(): Promise<EventSequencer>;
  close(): Promise<void>;
}

const nextId = createIdSource();

/** Owns nothing yet. */
export async function openPostgresWorker(
  options: PostgresOptions,
  timing: Partial<WriterOptions> = {},
): Promise<PostgresWorker> {
  const database = await openPostgres(options);
  const worker = { id: nextId(), machineVersion: 1 };
  await registerWorker(database, worker);
  const writer = createPartitionWriter({ database, ...timing });
  return {
    database,
    worker,
    writer,
    jobs: createPostgresJobStore(database, writer),
    events: createPostgresEventLogStore(database),
    takePartitions: async () => writer.hold(await takeAllPartitions(database, worker), worker.id),
    takeSequencer: () => takeSequencer({ database, worker, log: silentLog() }),
    async close() {
      await writer.close();
      await database.close();
    },
  };
}
