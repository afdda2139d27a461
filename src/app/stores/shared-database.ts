/** A PostgreSQL database that several workers share: this process writes the partitions whose leases it holds. */
import { createPartitionWriter, type PartitionWrite } from '#storage/postgres/partition-writer';
import type { PostgresDatabase } from '#storage/postgres/postgres-database';
import { databaseProbe, withWrite, type PostgresWorker } from './postgres-worker.ts';

export interface SharedDatabase extends PostgresWorker {
  database: PostgresDatabase;
  /** Calls the listener after each write. */
  onWritten(listener: () => void): void;
  /** Events got their places in the order, by this worker or another one. */
  announceAppended(): void;
  /** Why this process may not work on the database at this moment; null if it may. */
  setCondition(condition: () => string | null): void;
}

export function shareDatabase(database: PostgresDatabase): SharedDatabase {
  const writer = createPartitionWriter({ database });
  const appended = new Set<() => void>();
  let written: () => void = () => undefined;
  let condition: () => string | null = () => null;
  const probe = databaseProbe(database, async () => void (await database.run(readOne, [])));
  return {
    database,
    writer: withWrite(writer, async <Row>(write: PartitionWrite<Row>) => {
      const row = await writer.write(write);
      written();
      return row;
    }),
    onWritten: (listener) => (written = listener),
    onAppended(listener) {
      appended.add(listener);
      return () => appended.delete(listener);
    },
    announceAppended() {
      for (const listener of appended) listener();
    },
    setCondition: (next) => (condition = next),
    problem: async () => condition() ?? (await probe()),
    stop: () => writer.close(),
  };
}

const readOne = { name: 'read_one', text: 'select 1 as one' };
