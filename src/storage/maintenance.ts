/**
 * Keeps the SQLite file and its WAL small while the core runs. The work runs on the thread that commits the jobs'
 * steps, so each piece of it is short.
 *
 * 1. Free pages are used again before the file grows; only a large surplus is returned to the disk.
 * 2. Never waits for a reader: a running backup may read for minutes.
 */
import { statSync } from 'node:fs';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { MaybePromise } from '#shared/maybe-promise';
import type { Database } from './database.ts';

export interface DatabaseSizes {
  /** The file of SQLite, or the database on the server. */
  fileBytes: number;
  /** Of that, in free pages; null where the server does not say. */
  freeBytes: number | null;
  /** The write-ahead log; null where it belongs to the whole server. */
  logBytes: number | null;
  /** Only on PostgreSQL. */
  server?: ServerState;
}

export interface ServerState {
  /** Removed rows that autovacuum has not reclaimed, as far as the statistics of the server know. */
  deadRows: number;
  /** Connections to the database, of all programs. */
  connections: number;
  replicas: number;
  /** Of the replica that is farthest behind; null without replicas, or without the role `pg_monitor`. */
  replicaLagBytes: number | null;
  /** Committed positions without a place in the order of events. */
  unordered: number;
}

/** What the retention needs of a database. */
export interface DatabaseMaintenance {
  sizes(): MaybePromise<DatabaseSizes>;
  /** Frees the space of removed rows. Resolves with the number of bytes that were returned to the disk. */
  reclaim(): Promise<number>;
  /** Called at intervals. */
  tidyIfIdle?(): void;
}

export interface SqliteMaintenance extends DatabaseMaintenance {
  sizes(): { fileBytes: number; freeBytes: number; logBytes: number };
  /** Returns free pages beyond a reserve to the disk. Resolves with the number of bytes. */
  vacuumIncrementally(): Promise<number>;
  /** Brings the WAL into the file and empties it; false while a reader still needs it. */
  truncateWal(): boolean;
  /** Truncates the WAL if nothing was written since the last call. Does not wait for another reader of the file. */
  tidyIfIdle(): void;
}

/** About 1 ms on a laptop's disk; a step ten times as large noticeably delays a commit. */
const pagesPerStep = 64;
/** A tenth is soon used again; returning all would only move pages to and fro. */
const reserveShare = 0.1;
/** 1 MB at the usual page size. Less is not worth moving pages for. */
const reservePagesMin = 256;

/** `path`: the path with which the database was opened. */
export function createDatabaseMaintenance(
  { connection }: Database,
  path: string,
): SqliteMaintenance {
  const readPragma = (pragma: string): number =>
    connection.pragma(pragma, { simple: true }) as number;
  // Rows changed since the start: an equal number means that nothing was written.
  const changed = connection.prepare<[], { n: number }>('select total_changes() as n');
  let seenChanges = -1;
  const pagesToFree = (): number => {
    const reserve = Math.max(reservePagesMin, Math.ceil(readPragma('page_count') * reserveShare));
    return readPragma('freelist_count') - reserve;
  };

  const maintenance: SqliteMaintenance = {
    sizes() {
      const pageBytes = readPragma('page_size');
      return {
        fileBytes: readPragma('page_count') * pageBytes,
        freeBytes: readPragma('freelist_count') * pageBytes,
        logBytes: statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      };
    },
    async vacuumIncrementally() {
      const before = readPragma('page_count');
      for (;;) {
        const pages = Math.min(pagesPerStep, pagesToFree());
        if (pages <= 0) break;
        const count = readPragma('page_count');
        connection.pragma(`incremental_vacuum(${pages})`);
        // A file without incremental vacuum (an upgrade on a full disk) does not shrink.
        if (readPragma('page_count') === count) break;
        await yieldToEventLoop();
      }
      return (before - readPragma('page_count')) * readPragma('page_size');
    },
    truncateWal() {
      const busyTimeoutMs = readPragma('busy_timeout');
      connection.pragma('busy_timeout = 0');
      try {
        const [result] = connection.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
        return result?.busy === 0;
      } finally {
        connection.pragma(`busy_timeout = ${busyTimeoutMs}`);
      }
    },
    async reclaim() {
      const bytes = await maintenance.vacuumIncrementally();
      if (bytes > 0) maintenance.truncateWal();
      return bytes;
    },
    tidyIfIdle() {
      const changes = changed.get()!.n;
      if (changes === seenChanges && maintenance.sizes().logBytes > 0) maintenance.truncateWal();
      seenChanges = changes;
    },
  };
  return maintenance;
}
