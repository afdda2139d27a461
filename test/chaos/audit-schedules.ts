/**
 * P12: each occurrence has one job, or a message counts it as missed. What happened is taken from the jobs, what had to
 * happen from the real clock: clocks of the storm go wrong.
 */
import { minuteMs } from '#shared/calendar/time-units';
import type { Finding } from './finding.ts';
import type { ObservedJob, Observations, ScheduleSeen } from './observations.ts';

/** A cancellation that is on its way, and an occurrence, may pass one another. */
const marginMs = 5_000;

interface Fired {
  jobId: string;
  wall: string;
  outcome: string;
}

export function auditSchedules({ schedules, jobs }: Observations): Finding {
  const bySchedule = Map.groupBy(jobs.flatMap(firedBy), ({ scheduleId }) => scheduleId);
  return {
    promise: 'P12',
    what: 'each occurrence of a schedule has one job, or a message counts it as missed',
    checked: schedules.length,
    violations: schedules.flatMap((one) => judge(one, bySchedule.get(one.id) ?? [])),
  };
}

function firedBy({ view, events }: ObservedJob): (Fired & { scheduleId: string })[] {
  const scheduled = events[0]?.data['schedule'] as Record<string, string> | undefined;
  if (scheduled === undefined) return [];
  const { scheduleId = '', wall = '', outcome = '' } = scheduled;
  return [{ jobId: view.job_id, scheduleId, wall, outcome }];
}

function judge(one: ScheduleSeen, fired: readonly Fired[]): string[] {
  const faults: string[] = [];
  const planned = fired.filter(({ outcome }) => outcome !== 'manual');
  for (const [wall, group] of Map.groupBy(planned, (job) => job.wall)) {
    if (group.length > 1) faults.push(`${one.id} fired ${group.length} times for ${wall}`);
  }
  const known = new Set(fired.map(({ jobId }) => jobId));
  const due = planned.map(({ jobId }) => jobId);
  const recorded = new Set(one.runs.map(({ job_id: id }) => id));
  for (const id of recorded) if (!known.has(id)) faults.push(`${one.id}: its run ${id} has no job`);
  // A core that is killed after it has opened the job of a run by hand records no run.
  for (const id of due) if (!recorded.has(id)) faults.push(`${one.id}: its job ${id} is no run`);
  for (const id of one.startedByHand) {
    if (!known.has(id)) faults.push(`${one.id} was run as ${id}, which is no job of it`);
  }
  if (one.repeats) return [...faults, ...uncounted(one)];
  if (one.view.state !== 'done') faults.push(`${one.id} is ${one.view.state}`);
  if (planned.length !== 1) faults.push(`${one.id} became ${planned.length} jobs`);
  return faults;
}

/** Minutes between its acceptance and its end that no run covers. */
function uncounted({ id, runs, acceptedAt, endedAt, wasPaused }: ScheduleSeen): string[] {
  if (wasPaused || endedAt === null) return [];
  const covered = new Set(
    runs
      .filter(({ outcome }) => outcome !== 'manual')
      .flatMap(({ wall, missed_before: before }) => {
        const last = Math.floor(Date.parse(`${wall}Z`) / minuteMs);
        return Array.from({ length: before + 1 }, (_, n) => last - n);
      }),
  );
  const first = Math.floor(acceptedAt / minuteMs) + 1;
  const faults: string[] = [];
  for (let minute = first; minute * minuteMs < endedAt - marginMs; minute += 1) {
    if (!covered.has(minute)) {
      faults.push(
        `${id}: nothing says what became of ${new Date(minute * minuteMs).toISOString()}`,
      );
    }
  }
  return faults;
}
