/**
 * Checks at intervals that the database file was not moved, deleted or replaced, so that an idle core notices it too.
 */
import { messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { createThrottledErrorLog } from '#shared/throttled-error-log';
import type { Database } from './database.ts';

export interface DatabaseWatch {
  /** The current problem in one sentence; null if the file is in its place. Checks again at each call. */
  problem(): string | null;
  stop(): void;
}

/** Longest time until the log reports it while nothing is written; a write detects it at once. */
const intervalMs = 2_000;

export function watchDatabase(database: Pick<Database, 'ensureInPlace'>, log: Log): DatabaseWatch {
  const errorLog = createThrottledErrorLog(log, 'the database file is not in its place');
  const check = (): string | null => {
    try {
      database.ensureInPlace();
      errorLog.recovered();
      return null;
    } catch (error) {
      errorLog.error(error);
      return messageOf(error);
    }
  };
  const timer = setInterval(check, intervalMs).unref();
  return { problem: check, stop: () => clearInterval(timer) };
}
