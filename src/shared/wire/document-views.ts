/** Documents, memos, versions and drafts as the HTTP API, the commands and the inspector show them. Times are ISO 8601. */
import { z } from 'zod';
import { documentEventSchema } from './document-event.ts';

const time = z.iso.datetime({ offset: true });

export const contentOrigins = ['memo', 'text', 'file', 'ai_drafted'] as const;

export const documentSchema = z
  .strictObject({
    id: z.string(),
    title: z.string(),
    extracted_text: z.string().describe('As it was given; drafting never changes it.'),
    md_content: z.string().nullable(),
    content_origin: z.enum(contentOrigins),
    md_draft_status: z.string().nullable(),
    md_status: z.string().nullable(),
    md_extraction_engine: z.string().nullable(),
    md_generated_at: time.nullable(),
    source_metadata: z.record(z.string(), z.unknown()),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Document' });
export type DocumentView = z.infer<typeof documentSchema>;

export const reviewedDocumentSchema = z.strictObject({
  ...documentSchema.shape,
  md_version: z.int(),
});

export type ReviewedDocumentView = z.infer<typeof reviewedDocumentSchema>;

/** A document that an answer used. */
export const sourceSchema = z
  .strictObject({ id: z.string(), title: z.string(), snippet: z.string() })
  .meta({ id: 'Source' });

/** A document in a list, without its texts. */
export const listedDocumentSchema = z.strictObject({
  ...documentSchema.omit({
    extracted_text: true,
    md_content: true,
    md_extraction_engine: true,
    md_generated_at: true,
  }).shape,
  /** The first characters of the text. */
  head: z.string(),
});
export type ListedDocumentView = z.infer<typeof listedDocumentSchema>;

export const memoSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  /** The first characters of the text. */
  head: z.string(),
  needs_draft: z.boolean(),
  draft_status: z.string().nullable(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
export type MemoView = z.infer<typeof memoSchema>;

export const versionSchema = z.strictObject({
  version: z.int(),
  made_by: z.string(),
  status: z.string(),
  at: z.iso.datetime(),
  md_content: z.string(),
});
export const listedVersionSchema = z.strictObject({
  ...versionSchema.shape,
  md_content_cut: z
    .literal(true)
    .optional()
    .describe('The text goes on: it is whole in `GET /documents/:id/versions/:version`.'),
});
export type VersionView = z.infer<typeof listedVersionSchema>;

const draftSubject = { document_id: z.string(), title: z.string(), user_id: z.string() };

const runningDraftSchema = z
  .strictObject({
    ...draftSubject,
    attempt: z.int(),
    since: time,
    /** Waits for the model server: other requests are before it. */
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
export type RunningView = z.infer<typeof runningDraftSchema>;

/** A document that waits for a draft, is being drafted, or was given up. */
const draftSchema = z
  .strictObject({
    ...draftSubject,
    /** `waiting`, `drafting` or `dead`. */
    state: z.string(),
    memo_chars: z.int(),
    attempts: z.int(),
    queued_at: time,
    /** Earliest start; a time in the past means next. Null for a dead letter and for a running draft. */
    due_at: time.nullable(),
    last_error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  })
  .meta({ id: 'Draft' });
export type DraftView = z.infer<typeof draftSchema>;

/** Each list has at most 500 rows and 340 KiB. */
export const draftOverviewSchema = z.strictObject({
  /** State of the draft machine: `looking`, `drafting`, `waiting`, `away`, `closed`, `paused` or `stopped`. */
  state: z.string(),
  paused: z.boolean(),
  paused_at: z.iso.datetime().nullable(),
  window: z.strictObject({
    hours: z.string().nullable(),
    open: z.boolean(),
    opens_at: z.iso.datetime().nullable(),
  }),
  interval_ms: z.int(),
  max_attempts: z.int(),
  running: runningDraftSchema.nullable(),
  /** In the order in which they are due. */
  waiting: z.array(draftSchema),
  dead: z.array(draftSchema),
  drafted: z
    .array(z.strictObject({ ...draftSubject, at: z.iso.datetime() }))
    .describe('Drafts that wait for a decision.'),
});
export type DraftOverview = z.infer<typeof draftOverviewSchema>;

export const draftDetailSchema = z
  .strictObject({
    ...draftSchema.shape,
    running: runningDraftSchema.nullable(),
    /** The newest 500, in order. */
    events: z.array(documentEventSchema),
  })
  .partial()
  // `state` as in its events: also `draft`, `accepted`, or `none` when it waits for no draft.
  .required({
    document_id: true,
    title: true,
    user_id: true,
    state: true,
    running: true,
    events: true,
  });
export type DraftDetail = z.infer<typeof draftDetailSchema>;
