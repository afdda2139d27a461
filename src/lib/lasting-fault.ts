/** A fault that comes again and again while it lasts, a full disk say: told when it begins, then seldom, and when it is over. */
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';

export interface LastingFault {
  /** It did not work: logged at once, then at most once a minute, with how often. */
  failed(error: unknown, fields?: Record<string, unknown>): void;
  /** It worked: one line where the log says that it does not. */
  worked(): void;
}

/** More often fills a disk that is full already; a person who looks at the log finds a line within this. */
const repeatMs = 60_000;

/**
 * `what` is the sentence of all its lines. What fails and works by turns has two lines a minute.
 * @param now a time in ms that is never set back
 */
export function createLastingFault(
  log: Log,
  what: string,
  now: () => number = () => performance.now(),
): LastingFault {
  /** Since the log said that it works. */
  let times = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  let isTold = false;
  return {
    failed(error, fields = {}) {
      times += 1;
      if (now() - toldAt < repeatMs) return;
      toldAt = now();
      isTold = true;
      log.error({ ...fields, error: messageOf(error), times }, what);
    },
    worked() {
      if (!isTold) return;
      log.info({ times }, `${what}: working again`);
      times = 0;
      isTold = false;
    },
  };
}
