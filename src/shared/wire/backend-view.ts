/** A model server as `GET /backends` and the inspector show it. Durations are in ms, times ISO 8601. */
import { z } from 'zod';

const time = z.iso.datetime({ offset: true });
const milliseconds = z.number().nullable();
const request = {
  kind: z.string(),
  priority: z.string(),
  user: z.string(),
  job_id: z.string().nullable(),
};

export const backendSchema = z
  .strictObject({
    id: z.string(),
    kind: z.string(),
    model: z.string(),
    vision: z.boolean().describe('Whether it takes pictures (`backends[].vision`).'),
    origin: z.string(),
    roles: z.array(z.string()),
    healthy: z.boolean().nullable().describe('Null: not looked at yet.'),
    error_reason: z.string().nullable(),
    health_ms: milliseconds,
    checked_at: time.nullable(),
    active_jobs: z.int().nullable(),
    load: z.string(),
    load_word: z.strictObject({ ko: z.string(), en: z.string() }),
    gate: z.strictObject({
      state: z.unknown(),
      circuit: z.string(),
      next_probe_at: time.nullable(),
      concurrency: z.int(),
      max_queue: z.number().nullable(),
      running: z.array(
        z.strictObject({
          ...request,
          phase: z.string(),
          held_ms: z.number(),
          speculative: z
            .literal(true)
            .optional()
            .describe('Asked in advance; aborted as soon as any request waits.'),
        }),
      ),
      waiting: z.array(
        z.strictObject({
          ...request,
          waited_ms: z.number(),
          position: z.int(),
          ahead: z.int(),
          eta_ms: milliseconds,
        }),
      ),
      service_ms: z.record(z.string(), z.number()),
      drain_ms: z.number().nullable(),
      counters: z.record(z.string(), z.unknown()),
      arbiter: z
        .strictObject({
          worker: z.string().describe('Name of the worker that grants.'),
          epoch: z.int(),
          is_self: z
            .boolean()
            .describe('False: the counters, which each arbiter has of its own, are zero.'),
          permits: z.array(z.strictObject({ worker: z.string(), fence: z.string() })),
        })
        .nullable()
        .optional()
        .describe('Over several workers; null: none is known. Omitted by a core that is alone.'),
    }),
    speculation: z
      .strictObject({
        adopted: z.int().describe('Requests in advance that their jobs continued with.'),
        discarded: z.int().describe('Aborted: the classification chose something else.'),
        preempted: z.int().describe('Aborted for a request that had to wait.'),
        busy: z.int().describe('Not sent: no slot was free.'),
        failed: z.int(),
        saved_ms: z.number().describe('How much earlier the adopted requests began.'),
        wasted_ms: z.number().describe('Time of the server for those that were not adopted.'),
        routed_share: z
          .number()
          .nullable()
          .describe('Share of the latest classifications that chose the reasoner; null: too few.'),
      })
      .optional()
      .describe('Of the reasoner, since the start (configuration: jobs.speculate).'),
  })
  .meta({ id: 'Backend' });
export type BackendView = z.infer<typeof backendSchema>;
