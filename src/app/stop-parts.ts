/** The orderly stop of a core: its parts one after another, the last one first. */
import { settledWithin } from '#events/connection/async-timers';
import { messageOf } from '#shared/errors';
import type { Log } from '#shared/log';

export type Closer = () => Promise<void> | void;

/** A database that does not answer must not keep the other parts: what is stored is complete at any moment. */
export const stopLimits = { partMs: 6_000, allMs: 12_000, leastMs: 200 };

/** Empties `closers`. Never rejects; ends within `allMs` and `leastMs` for each part. */
export async function stopParts(
  closers: Closer[],
  log: Log,
  { partMs, allMs, leastMs }: typeof stopLimits = stopLimits,
): Promise<void> {
  const until = performance.now() + allMs;
  for (const closer of closers.splice(0).toReversed()) {
    const ms = Math.max(leastMs, Math.min(partMs, until - performance.now()));
    const ended = (async () => closer())().catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, 'a part could not be stopped in order');
    });
    if (!(await settledWithin(ms, ended))) {
      log.warn({ ms: Math.round(ms) }, 'a part did not stop in time; the others are stopped');
    }
  }
}
