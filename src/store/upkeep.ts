/**
 * Keeps the file and its log small while the core runs. Both calls run on the thread that commits the jobs'
 * steps, so each of their pieces is short.
 *
 * 1. Free pages are used again before the file grows; only what is far more than that goes back to the disk.
 * 2. Never waits for a reader: a backup that is being made may read for minutes.
 */
import { statSync } from 'node:fs';
import { othersTurn } from '../lib/others-turn.ts';
import type { Database } from './database.ts';

export interface Sizes {
  fileBytes: number;
  /** Of that, not in use. */
  freeBytes: number;
  /** The write-ahead log. */
  logBytes: number;
}

export interface Upkeep {
  sizes(): Sizes;
  /** Gives free pages back beyond a reserve. Returns how many bytes. */
  shrink(): Promise<number>;
  /** Brings the log into the file and empties it; false where a reader still needs it. */
  emptyLog(): boolean;
  /** Rows changed since the start: the same as before means that nothing was written. */
  changes(): number;
}

/** About 1 ms on a laptop's disk; a piece ten times as large is felt by who waits for a commit. */
const piecePages = 64;
/** A tenth is soon used again; giving back all would only move pages to and fro. */
const reserveShare = 0.1;
/** 1 MB at the usual page size. Less is not worth moving pages for. */
const reservePagesMin = 256;

/** `path` as the database was opened with. */
export function createUpkeep({ connection }: Database, path: string): Upkeep {
  const number = (pragma: string): number => connection.pragma(pragma, { simple: true }) as number;
  const changed = connection.prepare<[], { n: number }>('select total_changes() as n');
  const surplus = (): number => {
    const reserve = Math.max(reservePagesMin, Math.ceil(number('page_count') * reserveShare));
    return number('freelist_count') - reserve;
  };

  return {
    sizes() {
      const pageBytes = number('page_size');
      return {
        fileBytes: number('page_count') * pageBytes,
        freeBytes: number('freelist_count') * pageBytes,
        logBytes: statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      };
    },
    async shrink() {
      const before = number('page_count');
      for (;;) {
        const pages = Math.min(piecePages, surplus());
        if (pages <= 0) break;
        const count = number('page_count');
        connection.pragma(`incremental_vacuum(${pages})`);
        // A file that was made without room for it (an upgrade on a full disk) does not shrink.
        if (number('page_count') === count) break;
        await othersTurn();
      }
      return (before - number('page_count')) * number('page_size');
    },
    emptyLog() {
      const patienceMs = number('busy_timeout');
      connection.pragma('busy_timeout = 0');
      try {
        const [result] = connection.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
        return result?.busy === 0;
      } finally {
        connection.pragma(`busy_timeout = ${patienceMs}`);
      }
    },
    changes: () => changed.get()!.n,
  };
}
