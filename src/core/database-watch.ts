/** Checks at intervals that the database file was not moved, deleted or replaced, so that an idle core notices it too. */
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createLastingFault } from '../lib/lasting-fault.ts';
import type { Database } from '../store/database.ts';

export interface DatabaseWatch {
  /** What is wrong now, in one sentence; null where the file is in its place. Looks anew at each call. */
  problem(): string | null;
}

/** Longest time until the log says it where nothing is written; a write notices it at once. */
const intervalMs = 2_000;

/** `closers`: gets what ends the watch. */
export function watchDatabase(
  database: Pick<Database, 'ensureInPlace'>,
  log: Log,
  closers: (() => void)[],
): DatabaseWatch {
  const fault = createLastingFault(log, 'the database file is not in its place');
  const look = (): string | null => {
    try {
      database.ensureInPlace();
      fault.worked();
      return null;
    } catch (error) {
      fault.failed(error);
      return messageOf(error);
    }
  };
  const timer = setInterval(look, intervalMs).unref();
  closers.push(() => clearInterval(timer));
  return { problem: look };
}
