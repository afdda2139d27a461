/** Removes what is older than it is kept: at the start, and then every hour while the core runs. */
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { JobQueries } from '../store/job-queries.ts';

export const dayMs = 24 * 60 * 60_000;
const everyMs = 60 * 60_000;

/** Returns how to end it; resolves when nothing of it runs any more. */
export function startRetention(options: {
  queries: Pick<JobQueries, 'prune'>;
  clock: Clock;
  log: Log;
  days: number;
}): () => Promise<void> {
  const { queries, clock, log, days } = options;
  let running = Promise.resolve();
  const prune = (): void => {
    running = queries.prune(clock.now() - days * dayMs).then(
      (removed) => {
        if (removed > 0) log.info({ removed, days }, 'old jobs removed');
      },
      (error: unknown) => log.error({ error: messageOf(error) }, 'old jobs could not be removed'),
    );
  };
  prune();
  const interval = setInterval(prune, everyMs);
  interval.unref();
  return () => {
    clearInterval(interval);
    return running;
  };
}
