/**
 * Timers of the jobs in memory, and one wake-up timer for the parked jobs. The due times are in the journal; this
 * module only fires at the right moment. A timer that fell due while the process was down fires at once.
 *
 * Delays are fixed when armed; changes of the wall clock, such as an hour ahead and back again, do not extend them: a
 * limit of ten seconds stays ten seconds.
 */
import type { Clock } from '#shared/clock';
import { timerEnvelope } from './envelope.ts';
import type { PendingTimer } from './job-runtime-state.ts';
import type { Mailbox } from './mailbox.ts';

export interface JobTimers {
  /** Posts the timer's event at `dueAt` (epoch ms); default: the timer's own due time. */
  arm(jobId: string, timer: PendingTimer, dueAt?: number): void;
  clear(timer: PendingTimer): void;
  /**
   * Calls `onWake` with `wakeAt` (epoch ms) at that time, unless an earlier wake-up is scheduled already.
   * @param now start of the delay, epoch ms; default: the clock's time
   */
  scheduleWake(wakeAt: number, now?: number): void;
  stop(): void;
}

/** setTimeout takes a 32-bit delay and fires at once for a longer one, so longer delays are waited for in parts. */
const delayMsMax = 2 ** 31 - 1;

export function createJobTimers(
  clock: Clock,
  mailbox: Mailbox,
  onWake: (at: number) => void,
): JobTimers {
  const armed = new Map<PendingTimer, NodeJS.Timeout>();
  let wakeTimer: { firesAt: number; handle: NodeJS.Timeout } | null = null;

  return {
    arm(jobId, timer, dueAt = timer.dueAt) {
      const wait = (leftMs: number): void => {
        const delayMs = Math.min(leftMs, delayMsMax);
        const handle = setTimeout(() => {
          if (leftMs > delayMs) return wait(leftMs - delayMs);
          armed.delete(timer);
          mailbox.post(timerEnvelope(jobId, timer));
        }, delayMs);
        armed.set(timer, handle);
      };
      wait(Math.max(dueAt - clock.now(), 0));
    },
    clear(timer) {
      clearTimeout(armed.get(timer));
      armed.delete(timer);
    },
    scheduleWake(wakeAt, now = clock.now()) {
      const delayMs = Math.min(Math.max(wakeAt - now, 0), delayMsMax);
      const firesAt = performance.now() + delayMs;
      if (wakeTimer !== null) {
        if (wakeTimer.firesAt <= firesAt) return;
        clearTimeout(wakeTimer.handle);
      }
      const handle = setTimeout(() => {
        wakeTimer = null;
        onWake(Math.min(wakeAt, now + delayMs));
      }, delayMs);
      wakeTimer = { firesAt, handle };
    },
    stop() {
      for (const handle of armed.values()) clearTimeout(handle);
      armed.clear();
      if (wakeTimer !== null) clearTimeout(wakeTimer.handle);
      wakeTimer = null;
    },
  };
}
