/**
 * Debian's python3-recurring-ical-events as a second implementation of recurrence: one process, with one request per
 * line.
 */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { FileOccurrence } from '#tools/calendar/file-occurrences';
import { preparePackages } from './debian-package.ts';

/** Debian's Python: another Python in PATH does not find Debian's packages. */
const python = '/usr/bin/python3';
const packages = ['python3-recurring-ical-events', 'python3-icalendar', 'python3-tz'];

const isThere = (): boolean =>
  spawnSync(python, ['-c', 'import recurring_ical_events, icalendar, pytz'], {
    stdio: 'ignore',
    timeout: 60_000,
  }).status === 0;

/** Installs it if that is allowed. Returns why it is missing, or null. */
export const prepareRecurringIcalEvents = (): string | null =>
  preparePackages('recurring_ical_events', isThere, packages);

/** Why tests with it must be skipped, or null. */
export const recurringIcalEventsMissing = (): string | null =>
  isThere() ? null : `recurring_ical_events is not installed (Debian package ${packages[0]})`;

export interface PeerQuestion {
  ics: string;
  /** `YYYY-MM-DD`. */
  from: string;
  /** `YYYY-MM-DD`, not included. */
  to: string;
  zone: string;
}

/** Starts and ends are `YYYY-MM-DDTHH:MM:SS`, also of all-day events. */
export type PeerAnswer = { occurrences: FileOccurrence[] } | { error: string };

export interface Peer {
  ask(question: PeerQuestion): Promise<PeerAnswer>;
  stop(): Promise<void>;
}

export function startRecurringIcalEvents(): Peer {
  const child = spawn(python, [join(import.meta.dirname, 'recurring-ical-events.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Floating times are compared in the zone of the machine.
    env: { ...process.env, TZ: 'UTC' },
  });
  const waiting: PromiseWithResolvers<PeerAnswer>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) =>
    waiting.shift()?.resolve(JSON.parse(line) as PeerAnswer),
  );
  const ended = new Promise<void>((resolve) =>
    child.on('close', (code) => {
      for (const one of waiting) one.reject(new Error(`python3 ended with ${code}`));
      resolve();
    }),
  );
  return {
    ask(question) {
      const answer = Promise.withResolvers<PeerAnswer>();
      waiting.push(answer);
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return answer.promise;
    },
    stop() {
      child.stdin.end();
      return ended;
    },
  };
}
