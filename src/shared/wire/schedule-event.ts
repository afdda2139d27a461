/**
 * Schedule events: the published history of a schedule and of its occurrences. Same envelope as a state event, with
 * `schedule_id` in place of `job_id` (docs/schedules.md).
 */
import { z } from 'zod';
import { scheduleStates } from './schedule-service.ts';

/** What each type reports, and what its `data` has besides `kind`. */
export const scheduleEventCatalog = {
  created: 'It was made. `text` `rule` `zone` `channel` `thread` `created_by` `next_at`',
  changed: 'It has another text, place or time. `text` `rule` `zone` `channel` `thread` `next_at`',
  paused: 'By a person, after failures, or because it cannot be read. `reason` `job_id?`',
  resumed: 'By a person. `next_at`',
  deleted:
    'Cancelled by a person, or withdrawn with its calendar entry. `by`: `person` or `calendar`',
  fired:
    'A run on time, or by hand. `outcome` `wall` `due_at` `late_ms` `missed_before` `job_id` `next_at`',
  late: 'A run after its time. Data as of `fired`',
  missed: 'It was too late to run, and a message says so. Data as of `fired`',
  skipped: 'The run before has not ended, and a message says so. Data as of `fired`',
  failed: 'The job of a run failed; its message says why. `job_id` `failures`',
  redirected: 'A message could not be delivered and goes to another channel. `job_id` `from` `to`',
  uncertain: 'A message may have been delivered; it is not sent again. `job_id` `channel` `reason`',
  undelivered: 'A message reached no channel of the person. `job_id` `channels` `reason`',
} as const;
export type ScheduleEventType = keyof typeof scheduleEventCatalog;
export const scheduleEventTypes = Object.keys(scheduleEventCatalog) as ScheduleEventType[];

export const scheduleEventSchema = z
  .strictObject({
    /** `<schedule_id>:<seq>`. The same on a redelivery. */
    id: z.string(),
    schedule_id: z.string(),
    /** Counts from 1 per schedule, without gaps. */
    seq: z.int(),
    type: z.enum(scheduleEventTypes),
    /** State of the schedule after the change. */
    state: z.enum(scheduleStates),
    at: z.iso.datetime({ offset: true }),
    user_id: z.string(),
    data: z.record(z.string(), z.unknown()).describe('By type: docs/schedules.md.'),
  })
  .meta({ id: 'ScheduleEvent' });
export type ScheduleEvent = z.infer<typeof scheduleEventSchema>;
