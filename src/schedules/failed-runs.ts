/** The event of a run whose job has failed: when the job ends, or at the next occurrence if the process ended before. */
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import type { SerialQueue } from '#shared/serial-queue';
import { revised } from './due-occurrences.ts';
import type { OccurrenceJobs } from './occurrence-jobs-port.ts';
import type { Schedule } from './schedule.ts';
import { failed } from './schedule-events.ts';
import type { NewScheduleEvent, ScheduleStorage } from './schedule-port.ts';

/** Events that can follow that of a failed run before the next occurrence. */
const eventsLooked = 10;

/** The event, unless it is stored. The worker counts the failures in a row, at the next occurrence. */
export async function untoldFailure(
  { newestEvents }: Pick<ScheduleStorage, 'newestEvents'>,
  { id, failures }: Schedule,
  jobId: string,
): Promise<NewScheduleEvent[]> {
  const last = await newestEvents(id, eventsLooked);
  const isTold = last.some(({ type, data }) => type === 'failed' && data['job_id'] === jobId);
  return isTold ? [] : [failed(jobId, failures + 1)];
}

/** @throws GH_STORE_UNAVAILABLE, GH_STORE_CONFLICT */
export async function tellFailure(
  parts: {
    storage: ScheduleStorage;
    jobs: Pick<OccurrenceJobs, 'messageOf'>;
    clock: Clock;
    inOrder: SerialQueue;
  },
  jobId: string,
): Promise<void> {
  const { storage, jobs, clock, inOrder } = parts;
  const message = await jobs.messageOf(jobId);
  if (message === null) return;
  await inOrder('schedules', async () => {
    const schedule = await storage.find(message.scheduleId);
    if (schedule === null) return;
    const events = await untoldFailure(storage, schedule, jobId);
    if (events.length === 0) return;
    const change = { schedule: revised(schedule, clock.now()), occurrence: null, events };
    if ((await storage.commit([change])) === 'conflict')
      throw new GatehouseError('GH_STORE_CONFLICT');
  });
}
