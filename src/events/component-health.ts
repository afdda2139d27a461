/** Current problems of each part of messaging, for /readyz and the operator; each change is one log line. */
import type { Log } from '#shared/log';
import { toNatsProblem } from './connection/nats-problem.ts';
import type { NatsProblem } from './messaging-port.ts';

export interface ComponentHealth {
  report(part: string, error: unknown): void;
  clear(part: string): void;
  has(part: string): boolean;
  /** Notes a harmless difference from our settings; replaces earlier notes of the subject. */
  note(subject: string, notes: string[]): void;
  /** The oldest problem that still exists. */
  first(): NatsProblem | null;
  notes(): string[];
}

export function createComponentHealth(log: Log): ComponentHealth {
  const problems = new Map<string, NatsProblem>();
  const noted = new Map<string, string[]>();
  return {
    report(part, error) {
      const problem = toNatsProblem(error);
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
