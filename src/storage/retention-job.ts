/**
 * Keeps the database small while the core runs. At the start and then every hour it removes entries older than the
 * retention and frees their space; when nothing was written for a minute it truncates the write-ahead log.
 */
import { dayMs } from '#shared/calendar/time-units';
import type { Clock } from '#shared/clock';
import { messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import type { DatabaseMaintenance } from './maintenance.ts';

export interface RetentionSchedule {
  /** Entries that ended before this age are removed. */
  keepMs: number;
  everyMs: number;
  /** The write-ahead log is truncated after this time without a write. */
  walIdleMs: number;
}

/** Hourly: the rows of one hour are removed within a second, so a shorter interval gains nothing. */
export const retentionSchedule = (days: number): RetentionSchedule => ({
  keepMs: days * dayMs,
  everyMs: 60 * 60_000,
  walIdleMs: 60_000,
});

export interface RetentionOptions {
  /** Each removes one kind of entry that ended before a time (epoch ms), and resolves to the number removed. */
  removals: Record<string, (endedBefore: number) => Promise<number>>;
  maintenance: DatabaseMaintenance;
  clock: Clock;
  log: Log;
  schedule: RetentionSchedule;
}

/** Returns the function that stops the job; it resolves when a running round has ended. */
export function startRetentionJob(options: RetentionOptions): () => Promise<void> {
  const { log, schedule: pace } = options;
  let running: Promise<void> | null = null;
  const startRound = (): void => {
    // Rounds do not overlap: a round in progress also counts as this round.
    running ??= runOnce(options)
      .catch((error: unknown) =>
        log.error({ error: messageOf(error) }, 'the database could not be tidied up'),
      )
      .finally(() => (running = null));
  };
  startRound();
  const rounds = setInterval(startRound, pace.everyMs).unref();
  const idleChecks = setInterval(() => checkIdle(options), pace.walIdleMs).unref();
  return async () => {
    clearInterval(rounds);
    clearInterval(idleChecks);
    await running;
  };
}

async function runOnce({
  removals,
  maintenance,
  clock,
  log,
  schedule: pace,
}: RetentionOptions): Promise<void> {
  const before = clock.now() - pace.keepMs;
  const removed: Record<string, number> = {};
  for (const [kind, remove] of Object.entries(removals)) {
    const count = await remove(before);
    if (count > 0) removed[kind] = count;
  }
  const freedBytes = await maintenance.reclaim();
  if (Object.keys(removed).length > 0 || freedBytes > 0) {
    log.info({ removed, freedBytes, ...(await maintenance.sizes()) }, 'old entries removed');
  }
}

function checkIdle({ maintenance, log }: RetentionOptions): void {
  try {
    maintenance.tidyIfIdle?.();
  } catch (error) {
    log.error({ error: messageOf(error) }, 'the log of the database could not be emptied');
  }
}
