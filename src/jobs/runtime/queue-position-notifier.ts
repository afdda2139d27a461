/** Notifies waiting jobs when their queue position has changed, at most once per interval. */
import type { QueuePosition } from '#machines/job-types';
import type { JobScheduler } from './job-scheduler.ts';

export interface QueuePositionNotifier {
  /** Null when the job does not wait in the queue. */
  positionOf(jobId: string): QueuePosition | null;
  stop(): void;
}

/**
 * Jobs near the front are notified of each step, jobs far back when their position has shrunk by a fifth: each
 * notification is a journal row, and notifying a queue of a thousand jobs of each step wrote a thousand rows per
 * interval.
 */
const nearMax = 10;
const farShare = 0.8;

const isWorthNotifying = (before: number, now: number): boolean =>
  now <= nearMax ? now !== before : now <= before * farShare;

export function createQueuePositionNotifier(options: {
  scheduler: JobScheduler;
  intervalMs: number;
  notify(jobId: string, queue: QueuePosition): void;
}): QueuePositionNotifier {
  const { scheduler, notify } = options;
  let notified = new Map<string, number>();

  const queuePosition = (jobId: string, position: number): QueuePosition => ({
    position,
    ahead: position - 1 + scheduler.running,
    etaMs: scheduler.etaMs(jobId),
  });

  const interval = setInterval(() => {
    const now = new Map<string, number>();
    let position = 0;
    for (const { jobId } of scheduler.waiters()) {
      position += 1;
      // The first position was published when the job began to wait.
      const before = notified.get(jobId) ?? position;
      const isDue = isWorthNotifying(before, position);
      now.set(jobId, isDue ? position : before);
      if (isDue) notify(jobId, queuePosition(jobId, position));
    }
    notified = now;
  }, options.intervalMs);
  interval.unref();

  return {
    positionOf(jobId) {
      const position = scheduler.position(jobId);
      return position === null ? null : queuePosition(jobId, position);
    },
    stop: () => clearInterval(interval),
  };
}
