/**
 * Tells jobs that wait for their turn when their place in the line has changed, at most once per interval.
 */
import type { QueueFacts } from '../../machines/job-types.ts';
import type { Turns } from './turns.ts';

export interface PositionNotices {
  /** Null when the job does not wait for its turn. */
  of(jobId: string): QueueFacts | null;
  stop(): void;
}

/**
 * Who is near hears of each step, who is far back when a fifth of the way is behind: each notice is a row, and
 * a line of a thousand jobs wrote a thousand rows at every beat.
 */
const nearMax = 10;
const farShare = 0.8;

const isWorthTelling = (before: number, now: number): boolean =>
  now <= nearMax ? now !== before : now <= before * farShare;

export function createPositionNotices(options: {
  turns: Turns;
  everyMs: number;
  tell(jobId: string, queue: QueueFacts): void;
}): PositionNotices {
  const { turns, tell } = options;
  let told = new Map<string, number>();

  const facts = (jobId: string, position: number): QueueFacts => ({
    position,
    ahead: position - 1 + turns.running,
    etaMs: turns.etaMs(jobId),
  });

  const interval = setInterval(() => {
    const now = new Map<string, number>();
    let position = 0;
    for (const { jobId } of turns.waiters()) {
      position += 1;
      // The first position was told when the job began to wait.
      const before = told.get(jobId) ?? position;
      const isDue = isWorthTelling(before, position);
      now.set(jobId, isDue ? position : before);
      if (isDue) tell(jobId, facts(jobId, position));
    }
    told = now;
  }, options.everyMs);
  interval.unref();

  return {
    of(jobId) {
      const position = turns.position(jobId);
      return position === null ? null : facts(jobId, position);
    },
    stop: () => clearInterval(interval),
  };
}
