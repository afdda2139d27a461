/** Schedules at the doors (HTTP, NATS, commands): same shapes, same limits, same errors. */
import { z } from 'zod';
import { nextPage } from './job-service.ts';

const scheduleKinds = ['reminder', 'prompt', 'digest'] as const;
export type ScheduleKind = (typeof scheduleKinds)[number];

/** `done`: no further occurrence. `cancelled`: by a person. Both are final. */
export const scheduleStates = ['active', 'paused', 'done', 'cancelled'] as const;
export type ScheduleState = (typeof scheduleStates)[number];

/** `fired` on time, `late` after its time; `missed` and `skipped` ones have a job that says so. */
const occurrenceOutcomes = ['fired', 'late', 'missed', 'skipped', 'manual'] as const;
export type OccurrenceOutcome = (typeof occurrenceOutcomes)[number];

/** What happens to an occurrence while the run before it has not ended. */
const overlapPolicies = ['skip', 'queue-one', 'queue-all'] as const;
export type OverlapPolicy = (typeof overlapPolicies)[number];

/** `YYYY-MM-DDTHH:MM`, with optional seconds: a time on the wall clock of the schedule's zone. */
const wallTimeText = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?$/, 'must be YYYY-MM-DDTHH:MM');

const scheduleRule = z.union([
  z.strictObject({
    once: wallTimeText,
    repeated: z
      .literal('second')
      .optional()
      .describe('Of an hour that an autumn change repeats, the second one. Omitted: the first.'),
  }),
  z.strictObject({
    cron: z
      .string()
      .min(1)
      .max(200)
      .describe(
        'Five fields: minute, hour, day of month (`L`: the last), month, weekday (0 or 7: Sunday).',
      ),
    every: z
      .strictObject({ n: z.int().min(2).max(366), unit: z.enum(['day', 'week', 'month']) })
      .optional()
      .describe(
        'Every n-th day, week (from Monday) or month that has a match, counted from that of the start.',
      ),
  }),
]);
export type ScheduleRule = z.infer<typeof scheduleRule>;

/** What is done; the rest of a reminder is a few words. */
export const scheduleTextMax = 2_000;
export const schedulePageMax = 200;

const place = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must match [A-Za-z0-9_-]{1,64}');
const day = 86_400_000;

/** The body of a creation. */
export const newScheduleBody = z.object({
  user_id: z.string().min(1).max(256).default('local'),
  kind: z.enum(scheduleKinds).default('reminder'),
  text: z
    .string()
    .refine((text) => text.trim() !== '', 'must have a word')
    .max(scheduleTextMax)
    .describe('The reminder; of a `prompt` the message; of a `digest` its title.'),
  rule: scheduleRule.optional().describe('One of `rule`, `at` and `cron` is needed.'),
  at: wallTimeText.optional().describe('The same as the rule `{once}`.'),
  cron: z.string().min(1).max(200).optional().describe('The same as the rule `{cron}`.'),
  zone: z.string().min(1).max(64).optional().describe('IANA name. Default: `timezone`.'),
  start: wallTimeText.nullable().default(null).describe('First possible time.'),
  end: wallTimeText.nullable().default(null).describe('Last possible time, included.'),
  count: z.int().min(1).max(1_000_000).nullable().default(null).describe('Occurrences in total.'),
  overlap: z
    .enum(overlapPolicies)
    .optional()
    .describe(
      'While the run before has not ended: leave it out, let one wait, let all wait. Default: `skip`.',
    ),
  catch_up: z
    .enum(['once-late', 'skip'])
    .optional()
    .describe('Later than `catch_up_ms`. Default: `once-late` for reminders, else `skip`.'),
  catch_up_ms: z
    .int()
    .min(0)
    .max(366 * day)
    .optional()
    .describe('Default: a day for reminders, else an hour.'),
  pause_on_failures: z
    .int()
    .min(0)
    .max(1_000)
    .optional()
    .describe('Failed runs in a row; 0: never. Default: 0 for reminders, else 5.'),
  channel: place.default('http').describe('Where its messages go.'),
  thread: place.nullable().default(null),
  idempotency_key: z.string().min(1).max(256).optional(),
});
export type NewScheduleBody = z.infer<typeof newScheduleBody>;

/** One schedule; without a user: whoever it belongs to, which only operators may say. */
export const scheduleUser = z.object({ user_id: z.string().min(1).max(256).optional() });

export const scheduleListQuery = scheduleUser.extend({
  state: z
    .enum([...scheduleStates, 'open'])
    .default('open')
    .describe('`open`: active and paused.'),
  limit: z.coerce.number().int().min(1).max(schedulePageMax).default(50),
  cursor: z.string().max(64).optional().describe('Opaque: `next` of the previous page.'),
});
export type ScheduleListQuery = z.infer<typeof scheduleListQuery>;

export const runsQuery = scheduleUser.extend({
  limit: z.coerce.number().int().min(1).max(schedulePageMax).default(50),
});

export const snoozeFields = z.object({
  minutes: z
    .number()
    .min(1)
    .max(366 * 1_440)
    .default(10),
});

const time = z.iso.datetime({ offset: true });

export const scheduleSchema = z
  .strictObject({
    id: z.string().describe('The same as `schedule_id`.'),
    schedule_id: z.string(),
    user_id: z.string(),
    channel: z.string(),
    thread: z.string().nullable(),
    kind: z.enum(scheduleKinds),
    text: z.string(),
    rule: scheduleRule,
    at: z.string().nullable().describe('Of a single time.'),
    cron: z.string().nullable().describe('Of one that repeats.'),
    zone: z.string(),
    start: z.string().nullable(),
    end: z.string().nullable(),
    count: z.int().nullable(),
    overlap: z.enum(overlapPolicies),
    catch_up: z.enum(['once-late', 'skip']),
    catch_up_ms: z.int(),
    pause_on_failures: z.int(),
    created_by: z.string().describe('The door: `http`, `nats`, `chat` …'),
    created_at: time,
    updated_at: time,
    state: z.enum(scheduleStates),
    pause_reason: z.string().nullable(),
    next_at: time.nullable().describe('Null unless it is active.'),
    next_local: z.string().nullable().describe('The same on the wall clock of its zone.'),
    settled: z.int().describe('Occurrences so far: fired, late, missed and skipped ones.'),
    missed: z.int(),
    failures: z.int().describe('Failed jobs in a row.'),
    last: z
      .strictObject({ at: time, job_id: z.string(), outcome: z.enum(occurrenceOutcomes) })
      .nullable()
      .describe('Its last occurrence.'),
    last_job_id: z.string().nullable(),
    undelivered_at: time
      .nullable()
      .describe('When its last message reached no channel of the person; null: it reached one.'),
  })
  .meta({ id: 'Schedule' });
export type ScheduleView = z.infer<typeof scheduleSchema>;

export const schedulePageSchema = z.strictObject({
  schedules: z.array(scheduleSchema),
  ...nextPage,
});
export type SchedulePage = z.infer<typeof schedulePageSchema>;

export const runsSchema = z.strictObject({
  runs: z.array(
    z.strictObject({
      wall: z.string().describe('The scheduled time on the wall clock of the zone.'),
      due_at: time,
      at: time,
      outcome: z.enum(occurrenceOutcomes),
      missed_before: z.int().describe('Earlier occurrences that the same message reports.'),
      job_id: z.string(),
    }),
  ),
});
export type RunsView = z.infer<typeof runsSchema>;

export const startedRunSchema = z.strictObject({ schedule_id: z.string(), job_id: z.string() });

/** Which schedule, and who asks: null for an operator, who may use those of all people. */
export interface ScheduleRef {
  id: string;
  userId: string | null;
}

/** A schedule of another person is answered as one that does not exist. */
export interface ScheduleService {
  list(query: ScheduleListQuery): Promise<SchedulePage>;
  /** @throws GH_SCHEDULE_INVALID, GH_SCHEDULE_LIMIT */
  create(body: NewScheduleBody, createdBy: string): Promise<ScheduleView>;
  /** @throws GH_SCHEDULE_NOT_FOUND; so do the following */
  get(ref: ScheduleRef): Promise<ScheduleView>;
  /** @throws GH_SCHEDULE_CONFLICT for one that has ended; so do `resume` and `delete` */
  pause(ref: ScheduleRef): Promise<ScheduleView>;
  resume(ref: ScheduleRef): Promise<ScheduleView>;
  /** It does not fire any more; it is kept, with its runs, as long as ended jobs are. */
  delete(ref: ScheduleRef): Promise<ScheduleView>;
  run(ref: ScheduleRef): Promise<z.infer<typeof startedRunSchema>>;
  /** Once more after some minutes: a new schedule with one time. @throws GH_SCHEDULE_LIMIT */
  snooze(ref: ScheduleRef, minutes: number, createdBy: string): Promise<ScheduleView>;
  /** Newest first. */
  runs(ref: ScheduleRef, limit: number): Promise<RunsView>;
}
