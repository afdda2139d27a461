/**
 * How many jobs may wait for their turn: `maxQueued` of all, and of one user no more than their share, so that
 * one who sends much leaves room for the others.
 */
import { GatehouseError } from '../lib/errors.ts';
import type { Turns } from './turns.ts';

export interface Admission {
  /**
   * Counts a job of this user that comes in, until it stands in the line. Returns what ends that.
   * @throws GH_JOB_QUEUE_FULL
   */
  admit(userId: string): () => void;
}

/** A queue of jobs moves in seconds; sooner is not worth asking. */
const retryAfterMs = 5_000;
/** A share is no smaller: a person may well ask ten things in a row. */
const shareMin = 10;

export function createAdmission(
  turns: Pick<Turns, 'waiting' | 'waitingOf' | 'running'>,
  { maxQueued, maxConcurrent }: { maxQueued: number; maxConcurrent: number },
): Admission {
  const share = Math.min(maxQueued, Math.max(shareMin, Math.floor(maxQueued / 2)));
  /** Who came in this turn of the event loop is not in the line yet. */
  const arriving = new Map<string, number>();
  let arrivingCount = 0;

  const count = (userId: string, change: 1 | -1): void => {
    arrivingCount += change;
    const now = (arriving.get(userId) ?? 0) + change;
    if (now === 0) arriving.delete(userId);
    else arriving.set(userId, now);
  };

  return {
    admit(userId) {
      const free = Math.max(0, maxConcurrent - turns.running);
      if (turns.waiting + arrivingCount >= maxQueued + free) {
        throw new GatehouseError('GH_JOB_QUEUE_FULL', undefined, { retryAfterMs });
      }
      if (turns.waitingOf(userId) + (arriving.get(userId) ?? 0) >= share + free) {
        const message = `Too many of your own jobs are waiting; ${share} is the limit for one user`;
        throw new GatehouseError('GH_JOB_QUEUE_FULL', message, { retryAfterMs });
      }
      count(userId, 1);
      return () => count(userId, -1);
    },
  };
}
