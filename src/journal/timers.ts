/**
 * Timers of the jobs in memory, and the one alarm for the jobs that are not. What is due when is in the
 * journal; this only wakes at the right moment. A timer that was due while the process was down fires at once.
 */
import type { Clock } from '../lib/clock.ts';
import type { PendingTimer } from './job-state.ts';

export interface Timers {
  /** Fires at `dueAt` (epoch ms), the timer's own unless it is given more time. */
  arm(timer: PendingTimer, dueAt: number, fire: () => void): void;
  clear(timer: PendingTimer): void;
  /** Calls `onWake` at `wakeAt` (epoch ms) unless an earlier alarm is set already. */
  wakeBy(wakeAt: number): void;
  stop(): void;
}

/** setTimeout takes a 32-bit delay; a longer one would fire at once. The alarm is simply set again. */
const delayMsMax = 2 ** 31 - 1;

export function createTimers(clock: Clock, onWake: () => void): Timers {
  const armed = new Map<PendingTimer, NodeJS.Timeout>();
  let alarm: { at: number; handle: NodeJS.Timeout } | null = null;

  const delayUntil = (at: number): number => Math.min(Math.max(at - clock.now(), 0), delayMsMax);

  return {
    arm(timer, dueAt, fire) {
      const wait = (): void => {
        const handle = setTimeout(() => {
          // The wall clock may have been set back: due is what the clock says, not the timer.
          if (clock.now() < dueAt) wait();
          else {
            armed.delete(timer);
            fire();
          }
        }, delayUntil(dueAt));
        armed.set(timer, handle);
      };
      wait();
    },
    clear(timer) {
      clearTimeout(armed.get(timer));
      armed.delete(timer);
    },
    wakeBy(wakeAt) {
      if (alarm !== null) {
        if (alarm.at <= wakeAt) return;
        clearTimeout(alarm.handle);
      }
      const handle = setTimeout(() => {
        alarm = null;
        onWake();
      }, delayUntil(wakeAt));
      alarm = { at: wakeAt, handle };
    },
    stop() {
      for (const handle of armed.values()) clearTimeout(handle);
      armed.clear();
      if (alarm !== null) clearTimeout(alarm.handle);
      alarm = null;
    },
  };
}
