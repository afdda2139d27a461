/**
 * Log throttle for a persistent fault, for example a full disk: logs the first failure, then at most one per minute,
 * then the recovery.
 */
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';

export interface ThrottledErrorLog {
  /** A failure: logged at once, then at most once a minute, with the number of failures. */
  error(error: unknown, fields?: Record<string, unknown>): void;
  /** A success: logged once if a failure was logged before. */
  recovered(): void;
}

/**
 * A shorter interval would fill a disk that is already full; with this interval the log shows the fault every minute.
 */
const repeatIntervalMs = 60_000;

/**
 * `message` is the text of all its lines. A fault that alternates with success logs at most two lines a minute.
 * @param now a monotonic clock in ms
 */
export function createThrottledErrorLog(
  log: Log,
  message: string,
  now: () => number = () => performance.now(),
): ThrottledErrorLog {
  /** Since the last recovery line. */
  let failureCount = 0;
  let loggedAt = Number.NEGATIVE_INFINITY;
  let isFailureLogged = false;
  return {
    error(error, fields = {}) {
      failureCount += 1;
      if (now() - loggedAt < repeatIntervalMs) return;
      loggedAt = now();
      isFailureLogged = true;
      log.error({ ...fields, error: messageOf(error), times: failureCount }, message);
    },
    recovered() {
      if (!isFailureLogged) return;
      log.info({ times: failureCount }, `${message}: working again`);
      failureCount = 0;
      isFailureLogged = false;
    },
  };
}
