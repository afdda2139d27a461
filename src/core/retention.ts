/**
 * Keeps the database small while the core runs. At the start and then every hour it removes what is older than it
 * is kept and gives the room back; when nothing is written for a minute it empties the write-ahead log.
 */
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Upkeep } from '../store/upkeep.ts';

export const dayMs = 24 * 60 * 60_000;

export interface RetentionPace {
  /** What is older is removed. */
  keepMs: number;
  everyMs: number;
  /** With no write for this long the log is emptied. */
  quietMs: number;
}

/** A quarter of an hour's rows at a time would do too; an hour's are removed within a second. */
export const paceOf = (days: number): RetentionPace => ({
  keepMs: days * dayMs,
  everyMs: 60 * 60_000,
  quietMs: 60_000,
});

export interface RetentionOptions {
  /** Each removes one kind of thing that ended before a time (epoch ms), and says how many. */
  removals: Record<string, (endedBefore: number) => Promise<number>>;
  upkeep: Upkeep;
  clock: Clock;
  log: Log;
  pace: RetentionPace;
}

/** Returns how to end it; resolves when nothing of it runs any more. */
export function startRetention(options: RetentionOptions): () => Promise<void> {
  const { log, pace } = options;
  let running: Promise<void> | null = null;
  const round = (): void => {
    // A round that is still under way does the work of this one too.
    running ??= tidy(options)
      .catch((error: unknown) =>
        log.error({ error: messageOf(error) }, 'the database could not be tidied up'),
      )
      .finally(() => (running = null));
  };
  round();
  const rounds = setInterval(round, pace.everyMs).unref();
  const looks = setInterval(createLook(options), pace.quietMs).unref();
  return async () => {
    clearInterval(rounds);
    clearInterval(looks);
    await running;
  };
}

async function tidy({ removals, upkeep, clock, log, pace }: RetentionOptions): Promise<void> {
  const before = clock.now() - pace.keepMs;
  const removed: Record<string, number> = {};
  for (const [kind, remove] of Object.entries(removals)) {
    const count = await remove(before);
    if (count > 0) removed[kind] = count;
  }
  const freedBytes = await upkeep.shrink();
  if (freedBytes > 0) upkeep.emptyLog();
  if (Object.keys(removed).length > 0 || freedBytes > 0) {
    log.info({ removed, freedBytes, ...upkeep.sizes() }, 'old entries removed');
  }
}

/** Between two looks at which nothing had been written, somebody at the disk is not waited for. */
function createLook({ upkeep, log }: RetentionOptions): () => void {
  let seen = -1;
  return () => {
    try {
      const changes = upkeep.changes();
      if (changes === seen && upkeep.sizes().logBytes > 0) upkeep.emptyLog();
      seen = changes;
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the log of the database could not be emptied');
    }
  };
}
