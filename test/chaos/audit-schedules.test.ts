/** The audit of the schedules of a storm, on a faultless storm and on the same data with one fault added. */
import { expect, test } from 'vitest';
import type { RunsView } from '#shared/wire/schedule-service';
import { auditSchedules } from './audit-schedules.ts';
import type { ObservedJob, Observations, ScheduleSeen } from './observations.ts';

type Seen = Pick<Observations, 'schedules' | 'jobs'>;
type Run = RunsView['runs'][number];

const minute = (n: number): number => Date.parse('2026-12-02T10:00:00Z') + n * 60_000;
const wall = (n: number): string => new Date(minute(n)).toISOString().slice(0, 19);

function job(jobId: string, scheduleId: string, at: string, outcome = 'fired'): ObservedJob {
  const data = { schedule: { scheduleId, kind: 'reminder', wall: at, outcome } };
  return { view: { job_id: jobId }, events: [{ type: 'ack', data }] } as unknown as ObservedJob;
}

const run = (
  jobId: string,
  at: string,
  missedBefore = 0,
  outcome: Run['outcome'] = 'fired',
): Run => ({
  wall: at,
  due_at: `${at}Z`,
  at: `${at}Z`,
  outcome,
  missed_before: missedBefore,
  job_id: jobId,
});

function faultless(): Seen {
  const made = { text: 'x', acceptedAt: minute(0) + 10_000, wasPaused: false, startedByHand: [] };
  const once = { ...made, id: 'once', repeats: false, endedAt: null };
  const each = { ...made, id: 'each', repeats: true, endedAt: minute(4) + 30_000 };
  const view = (state: string): ScheduleSeen['view'] => ({ state }) as ScheduleSeen['view'];
  return {
    schedules: [
      { ...once, view: view('done'), runs: [run('j1', wall(1))] },
      {
        ...each,
        startedByHand: ['j4'],
        view: view('cancelled'),
        // The second and third minute were missed, and told with the fourth.
        runs: [run('j4', wall(2), 0, 'manual'), run('j3', wall(4), 2, 'late'), run('j2', wall(1))],
      },
    ],
    jobs: [
      job('j1', 'once', wall(1)),
      job('j2', 'each', wall(1)),
      job('j3', 'each', wall(4), 'late'),
      job('j4', 'each', wall(2), 'manual'),
    ],
  };
}

const violations = (seen: Seen): readonly string[] =>
  auditSchedules(seen as Observations).violations;

test('The audit of schedules reports no violation for a faultless storm', () => {
  expect(violations(faultless())).toEqual([]);
});

test.each<[string, (seen: Seen) => void, RegExp]>([
  ['a reminder twice', (seen) => seen.jobs.push(job('j5', 'once', wall(1))), /fired 2 times/],
  ['a reminder that never fired', (seen) => seen.jobs.splice(0, 1), /became 0 jobs/],
  [
    'one that still waits',
    (seen) => Object.assign(seen.schedules[0]!.view, { state: 'active' }),
    /is active/,
  ],
  [
    'a minute that nothing tells',
    (seen) => Object.assign(seen.schedules[1]!.runs[1]!, { missed_before: 1 }),
    /became of 2026-12-02T10:02/,
  ],
  ['a run without a job', (seen) => seen.jobs.splice(1, 1), /its run j2 has no job/],
  ['a job that is no run', (seen) => seen.schedules[1]!.runs.pop(), /its job j2 is no run/],
  ['a run by hand that is lost', (seen) => seen.jobs.pop(), /run as j4, which is no job/],
])('The audit of schedules reports this fault: %s', (_what, change, found) => {
  const seen = faultless();
  change(seen);
  expect(violations(seen).join('\n')).toMatch(found);
});
