/**
 * Limits the waiting jobs: `maxQueued` of all users, and a share of that for each user, so that one busy user leaves
 * room for the others.
 */
import { GatehouseError } from '#shared/errors';
import type { JobInput } from '#machines/job-types';
import type { JobScheduler } from './job-scheduler.ts';

export interface QueueLimits {
  /**
   * Counts a new job of this user until it is in the queue. Returns the function that ends the reservation.
   * @throws GH_JOB_QUEUE_FULL
   */
  reserve(userId: string): () => void;
}

/** A job whose answer is known: it waits for no slot, no place in the queue, and no earlier job of its conversation. */
export const isReminder = ({ scheduled }: JobInput): boolean =>
  scheduled?.decision?.action === 'direct';

/** A run of a schedule that no person has asked for now. After a restart it waits like the others. */
export const isBackground = ({ scheduled }: JobInput): boolean =>
  scheduled !== undefined && scheduled.outcome !== 'manual';

/** The job queue moves in seconds: an earlier retry is not worth the request. */
const retryAfterMs = 5_000;
/** The smallest share: a person may well send ten questions in a row. */
const shareMin = 10;

export function createQueueLimits(
  scheduler: Pick<JobScheduler, 'waiting' | 'waitingOf' | 'running'>,
  { maxQueued, maxConcurrent }: { maxQueued: number; maxConcurrent: number },
): QueueLimits {
  const share = Math.min(maxQueued, Math.max(shareMin, Math.floor(maxQueued / 2)));
  /** By user: jobs that arrived in this turn of the event loop, and are not in the queue yet. */
  const arriving = new Map<string, number>();
  let arrivingCount = 0;

  const count = (userId: string, change: 1 | -1): void => {
    arrivingCount += change;
    const now = (arriving.get(userId) ?? 0) + change;
    if (now === 0) arriving.delete(userId);
    else arriving.set(userId, now);
  };

  return {
    reserve(userId) {
      const free = Math.max(0, maxConcurrent - scheduler.running);
      if (scheduler.waiting + arrivingCount >= maxQueued + free) {
        throw new GatehouseError('GH_JOB_QUEUE_FULL', undefined, { retryAfterMs });
      }
      if (scheduler.waitingOf(userId) + (arriving.get(userId) ?? 0) >= share + free) {
        const message = `Too many of your own jobs are waiting; ${share} is the limit for one user`;
        throw new GatehouseError('GH_JOB_QUEUE_FULL', message, { retryAfterMs });
      }
      count(userId, 1);
      return () => count(userId, -1);
    },
  };
}
