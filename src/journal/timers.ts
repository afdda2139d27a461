/**
 * Timers of the jobs in memory, and the one alarm for the jobs that are not. What is due when is in the
 * journal; this only wakes at the right moment. A timer that was due while the process was down fires at once.
 *
 * How long is to be waited is measured when the wait begins. A wall clock that is set meanwhile, by an hour
 * ahead and back again, say, makes no wait longer: a limit of ten seconds stays one.
 */
import type { Clock } from '../lib/clock.ts';
import type { PendingTimer } from './job-state.ts';

export interface Timers {
  /** Fires at `dueAt` (epoch ms), the timer's own unless it is given more time. */
  arm(timer: PendingTimer, dueAt: number, fire: () => void): void;
  clear(timer: PendingTimer): void;
  /**
   * Calls `onWake` with `wakeAt` (epoch ms) when that has come, unless an earlier alarm is set already.
   * @param now from when the wait is counted, where that is not the clock's time
   */
  wakeBy(wakeAt: number, now?: number): void;
  stop(): void;
}

/** setTimeout takes a 32-bit delay; a longer one would fire at once. The wait is simply begun again. */
const delayMsMax = 2 ** 31 - 1;

export function createTimers(clock: Clock, onWake: (at: number) => void): Timers {
  const armed = new Map<PendingTimer, NodeJS.Timeout>();
  let alarm: { firesAt: number; handle: NodeJS.Timeout } | null = null;

  return {
    arm(timer, dueAt, fire) {
      const wait = (leftMs: number): void => {
        const delayMs = Math.min(leftMs, delayMsMax);
        const handle = setTimeout(() => {
          if (leftMs > delayMs) return wait(leftMs - delayMs);
          armed.delete(timer);
          fire();
        }, delayMs);
        armed.set(timer, handle);
      };
      wait(Math.max(dueAt - clock.now(), 0));
    },
    clear(timer) {
      clearTimeout(armed.get(timer));
      armed.delete(timer);
    },
    wakeBy(wakeAt, now = clock.now()) {
      const delayMs = Math.min(Math.max(wakeAt - now, 0), delayMsMax);
      const firesAt = performance.now() + delayMs;
      if (alarm !== null) {
        if (alarm.firesAt <= firesAt) return;
        clearTimeout(alarm.handle);
      }
      const handle = setTimeout(() => {
        alarm = null;
        onWake(Math.min(wakeAt, now + delayMs));
      }, delayMs);
      alarm = { firesAt, handle };
    },
    stop() {
      for (const handle of armed.values()) clearTimeout(handle);
      armed.clear();
      if (alarm !== null) clearTimeout(alarm.handle);
      alarm = null;
    },
  };
}
