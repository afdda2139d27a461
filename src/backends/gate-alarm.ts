import type { Timers } from './gate-options.ts';

/** Node fires a longer timer at once instead of late. */
export const timerMaxMs = 2_147_483_647;

/**
 * Calls `ring` once, when it is really past `dueAt` by `now`: a timer may fire a millisecond early,
 * and one of more than 24 days has to be set again on the way. Returns how to end that; idempotent.
 */
export function alarm(
  timers: Timers,
  now: () => number,
  dueAt: number,
  ring: (at: number) => void,
): () => void {
  let timer: unknown;
  const arm = (): void => {
    const delayMs = Math.min(Math.max(1, dueAt - now()), timerMaxMs);
    timer = timers.setTimeout(() => {
      const at = now();
      if (at >= dueAt) ring(at);
      else arm();
    }, delayMs);
  };
  arm();
  return () => timers.clearTimeout(timer);
}
