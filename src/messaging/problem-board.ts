/** What is wrong now with each part of messaging, for /readyz and for people; each change is one log line. */
import type { Log } from '../lib/log.ts';
import { busProblemOf } from './bus-problem.ts';
import type { BusProblem } from './ports.ts';

export interface ProblemBoard {
  report(part: string, error: unknown): void;
  clear(part: string): void;
  has(part: string): boolean;
  /** What harms nobody but is not as we would have it; replaces what was noted of the subject before. */
  note(subject: string, notes: string[]): void;
  /** The first problem reported that is still there. */
  first(): BusProblem | null;
  notes(): string[];
}

export function createProblemBoard(log: Log): ProblemBoard {
  const problems = new Map<string, BusProblem>();
  const noted = new Map<string, string[]>();
  return {
    report(part, error) {
      const problem = busProblemOf(error);
      if (problems.get(part)?.message !== problem.message) log.warn({ part, ...problem }, 'NATS');
      problems.set(part, problem);
    },
    clear(part) {
      if (problems.delete(part)) log.info({ part }, 'NATS: working again');
    },
    has: (part) => problems.has(part),
    note(subject, notes) {
      const isNews = JSON.stringify(noted.get(subject) ?? []) !== JSON.stringify(notes);
      if (isNews && notes.length > 0)
        log.info({ notes }, 'NATS: other settings than ours are used');
      noted.set(subject, notes);
    },
    first: () => [...problems.values()][0] ?? null,
    notes: () => [...noted.values()].flat(),
  };
}
