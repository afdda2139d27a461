/** Notices while nothing is written, too, that the database file was moved, deleted or replaced. */
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createLastingFault } from '../lib/lasting-fault.ts';
import type { Database } from '../store/database.ts';

export interface DatabaseWatch {
  /** What is wrong now, in one sentence; null where the file is in its place. Looks anew at each call. */
  problem(): string | null;
}

/** A file that is gone is noticed by the next write at once; without one within this. */
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
