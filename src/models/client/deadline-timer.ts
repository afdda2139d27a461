import type { MonotonicTimers } from '../gate/gate-options.ts';

/** Node fires a timer with a longer delay at once. */
export const timerMaxMs = 2_147_483_647;

/**
 * Calls `onDeadline` once, when `now` has reached `dueAt`: a timer may fire a millisecond early, and a delay of more
 * than 24 days needs several timers. Returns the cancel function; idempotent.
 */
export function setDeadline(
  timers: MonotonicTimers,
  now: () => number,
  dueAt: number,
  onDeadline: (at: number) => void,
): () => void {
  let timer: unknown;
  const arm = (): void => {
    const delayMs = Math.min(Math.max(1, dueAt - now()), timerMaxMs);
    timer = timers.setTimeout(() => {
      const at = now();
      if (at >= dueAt) onDeadline(at);
      else arm();
    }, delayMs);
  };
  arm();
  return () => timers.clearTimeout(timer);
}
