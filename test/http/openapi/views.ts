/** Schemas of the objects in answers, field by field. A field that is not listed here fails the test. */
import { z } from 'zod';
import { stateEventTypes } from '#machines/job-types';

const time = z.iso.datetime({ offset: true });
const queue = z.strictObject({
  position: z.int(),
  ahead: z.int(),
  etaMs: z.number().nullable().describe('An estimate, from measured times.'),
});

const delivery = z
  .enum(['uncertain', 'dead'])
  .nullable()
  .describe('A reply did not surely arrive in its chat.');
const listed = {
  job_id: z.string(),
  user_id: z.string(),
  channel: z.string(),
  thread: z.string().nullable().describe('Null: the channel itself.'),
  message: z.string(),
  state: z.string(),
  outcome: z.enum(['answered', 'clarified', 'declined', 'failed']).nullable(),
  reply: z.string().nullable().describe('Null until the job has ended.'),
  seq: z.int(),
  created_at: time,
  updated_at: time,
  delivery,
};
const deliveries = z.array(
  z.strictObject({
    reply_id: z.string(),
    status: z.enum(['sent', 'uncertain', 'dead']),
    parts: z.int(),
    error: z.string().nullable(),
    at: time,
  }),
);

export const job = z
  .strictObject({
    ...listed,
    queue: queue.nullable(),
    timings: z.record(z.string(), z.number()).describe('Milliseconds in each state so far.'),
    deliveries,
    cause: z
      .strictObject({
        code: z.string(),
        error_reason: z.string().nullable(),
        error_detail: z
          .string()
          .nullable()
          .describe('Backend, status and the first line of the answer, without keys and logins.'),
      })
      .nullable()
      .describe('Of a job that failed: what its last `error` event says.'),
  })
  .meta({ id: 'Job' });
const isCut = z.literal(true).optional();
const inList = {
  ...listed,
  message_cut: isCut.describe('The message goes on: it is whole in `GET /chat/:id`.'),
  reply_cut: isCut.describe('The reply goes on: it is whole in `GET /chat/:id`.'),
};
export const listedJob = z.strictObject(inList).meta({ id: 'ListedJob' });
export const foundJob = z.strictObject({ ...inList, queue: queue.nullable() });
export const nextCursor = z.string().nullable().describe('Null: there is no more.');
export const nextPage = {
  next: nextCursor.describe('`cursor` of the next page. Null: there is no more.'),
  next_cursor: nextCursor.describe('The same as `next`.'),
};
const version = {
  version: z.int(),
  made_by: z.string(),
  status: z.string(),
  at: z.iso.datetime(),
  md_content: z.string(),
};
export const documentVersion = z.strictObject(version);
export const listedVersion = z.strictObject({
  ...version,
  md_content_cut: isCut.describe(
    'The text goes on: it is whole in `GET /documents/:id/versions/:version`.',
  ),
});

export const stateEvent = z
  .strictObject({
    id: z.string(),
    job_id: z.string(),
    seq: z.int(),
    type: z.enum(stateEventTypes),
    state: z.string(),
    at: time,
    user_id: z.string(),
    channel: z.string(),
    data: z.record(z.string(), z.unknown()).describe('By type: docs/events.md.'),
  })
  .meta({ id: 'StateEvent' });

const documentFields = {
  id: z.string(),
  title: z.string(),
  extracted_text: z.string().describe('As it was given; drafting never changes it.'),
  md_content: z.string().nullable(),
  content_origin: z.enum(['memo', 'text', 'file', 'ai_drafted']),
  md_draft_status: z.string().nullable(),
  md_status: z.string().nullable(),
  md_extraction_engine: z.string().nullable(),
  md_generated_at: time.nullable(),
  source_metadata: z.record(z.string(), z.unknown()),
  created_at: time,
  updated_at: time,
};
export const document = z.strictObject(documentFields).meta({ id: 'Document' });
export const reviewedDocument = z.strictObject({ ...documentFields, md_version: z.int() });
const { extracted_text: _, md_content: __, ...withoutTexts } = documentFields;
const { md_extraction_engine: ___, md_generated_at: ____, ...inListing } = withoutTexts;
export const listedDocument = z.strictObject({ ...inListing, head: z.string() });

export const source = z
  .strictObject({ id: z.string(), title: z.string(), snippet: z.string() })
  .meta({ id: 'Source' });

const toDraft = {
  document_id: z.string(),
  title: z.string(),
  user_id: z.string(),
};
export const runningDraft = z
  .strictObject({
    ...toDraft,
    attempt: z.int(),
    since: time,
    waits_at_gate: z.boolean(),
    progress: z.strictObject({
      chars: z.int(),
      memo_chars: z.int(),
      section: z.int(),
      sections: z.int(),
    }),
    preemptions: z.int(),
  })
  .meta({ id: 'RunningDraft' });
const draftFields = {
  ...toDraft,
  state: z.string(),
  memo_chars: z.int(),
  attempts: z.int(),
  queued_at: time,
  due_at: time.nullable(),
  last_error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
};
export const draft = z.strictObject(draftFields).meta({ id: 'Draft' });
export const documentEvent = z
  .strictObject({
    id: z.string(),
    document_id: z.string(),
    seq: z.int(),
    type: z.string(),
    state: z.string(),
    at: time,
    user_id: z.string(),
    data: z.record(z.string(), z.unknown()).describe('By type: docs/drafts.md.'),
  })
  .meta({ id: 'DocumentEvent' });
export const draftDetail = z
  .strictObject({
    ...draftFields,
    running: runningDraft.nullable(),
    events: z.array(documentEvent),
  })
  .partial()
  .required({ document_id: true, title: true, user_id: true, state: true, events: true });

const milliseconds = z.number().nullable();
export const backend = z
  .strictObject({
    id: z.string(),
    kind: z.string(),
    model: z.string(),
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
          kind: z.string(),
          priority: z.string(),
          user: z.string(),
          job_id: z.string().nullable(),
          phase: z.string(),
          held_ms: z.number(),
        }),
      ),
      waiting: z.array(
        z.strictObject({
          kind: z.string(),
          priority: z.string(),
          user: z.string(),
          job_id: z.string().nullable(),
          waited_ms: z.number(),
          position: z.int(),
          ahead: z.int(),
          eta_ms: milliseconds,
        }),
      ),
      service_ms: z.record(z.string(), z.number()),
      drain_ms: z.number().nullable(),
      counters: z.record(z.string(), z.unknown()),
    }),
  })
  .meta({ id: 'Backend' });

export const readiness = z.strictObject({
  ready: z.boolean(),
  reasons: z.array(z.string()).describe('One for each part that is not as it should be.'),
  parts: z.strictObject({
    storage: z.enum(['up', 'down']),
    backends: z.string(),
    nats: z.strictObject({
      bus: z.string(),
      url: z.string().nullable(),
      backlog: z.int(),
      oldest_ms: milliseconds,
    }),
  }),
});

export const model = z
  .strictObject({
    id: z.string(),
    object: z.literal('model'),
    created: z.int(),
    owned_by: z.literal('gatehouse'),
    gatehouse: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Model' });

export const completion = z
  .strictObject({
    id: z.string(),
    object: z.literal('chat.completion'),
    model: z.string(),
    created: z.int(),
    choices: z.array(
      z.strictObject({
        index: z.literal(0),
        message: z.strictObject({
          role: z.literal('assistant'),
          content: z.string().nullable(),
          refusal: z.null(),
          tool_calls: z.array(z.record(z.string(), z.unknown())).optional(),
        }),
        logprobs: z.null(),
        finish_reason: z.enum(['stop', 'length', 'tool_calls', 'content_filter']),
      }),
    ),
    usage: z.record(z.string(), z.unknown()).optional(),
    gatehouse: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Completion' });
