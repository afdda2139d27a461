/** Routes of documents, memos and their drafts. */
import { z } from 'zod';
import { documentsQuery, newDocument, pathsBody, searchQuery } from '#http/routes/document-routes';
import { draftsQuery } from '#http/routes/draft-routes';
import { memoChange, memosQuery, newMemo } from '#http/routes/memo-routes';
import { draftDecision, draftEdit, versionsQuery } from '#http/routes/review-routes';
import type { Operation } from './operation.ts';
import { inputErrors, lastEventId, ofUser, stream, theDocument } from './shared.ts';
import * as view from './views.ts';

export const documents: readonly Operation[] = [
  {
    route: 'POST /documents',
    summary: 'Add a document.',
    body: newDocument,
    status: 201,
    answer: z.strictObject({ id: z.string() }),
    errors: inputErrors,
    example: () => ({ body: { title: 'Plan', text: 'The budget is decided next week.' } }),
  },
  {
    route: 'GET /documents',
    summary: 'Documents, newest first, without their texts.',
    query: documentsQuery,
    status: 200,
    answer: z.strictObject({
      documents: z.array(view.listedDocument),
      ...view.nextPage,
    }),
    errors: ['GH_REQUEST_INVALID'],
    example: () => ({}),
  },
  {
    route: 'GET /documents/search',
    summary: 'Find documents by words.',
    query: searchQuery,
    status: 200,
    answer: z.strictObject({
      results: z.array(z.strictObject({ ...view.source.shape, score: z.number() })),
    }),
    errors: ['GH_REQUEST_INVALID'],
    example: () => ({ query: { q: 'budget' } }),
  },
  {
    route: 'GET /documents/:id',
    summary: 'One document.',
    query: ofUser,
    status: 200,
    answer: view.document,
    errors: ['GH_DOCUMENT_NOT_FOUND'],
    example: theDocument,
  },
  {
    route: 'DELETE /documents/:id',
    summary: 'Remove a document: it is found no more.',
    query: ofUser,
    status: 204,
    errors: ['GH_DOCUMENT_NOT_FOUND'],
    example: async ({ url }) => {
      const body = JSON.stringify({ text: 'gone soon' });
      const made = await fetch(`${url}/documents`, { method: 'POST', body });
      return { path: { id: ((await made.json()) as { id: string }).id } };
    },
  },
  {
    route: 'POST /documents/import',
    summary:
      'Bring files of this machine in; a line of JSON for each step, the last with the report.',
    body: pathsBody,
    status: 200,
    answer: 'application/x-ndjson',
    errors: inputErrors,
    example: ({ file }) => ({ body: { paths: [file] } }),
  },
  {
    route: 'GET /documents/:id/versions',
    summary: 'Everything that was ever written for a document, newest first, at most 1 MiB of it.',
    query: versionsQuery,
    status: 200,
    answer: z.strictObject({ versions: z.array(view.listedVersion), ...view.nextPage }),
    errors: ['GH_REQUEST_INVALID', 'GH_DOCUMENT_NOT_FOUND'],
    example: async (scene) => ({ path: { id: await scene.draftedDocument() } }),
  },
  {
    route: 'GET /documents/:id/versions/:version',
    summary: 'One of them with its whole text.',
    query: ofUser,
    status: 200,
    answer: view.documentVersion,
    errors: ['GH_DOCUMENT_NOT_FOUND'],
    example: async (scene) => ({ path: { id: await scene.draftedDocument(), version: '1' } }),
  },
  ...(['accept', 'reject', 'edit'] as const).map((verb): Operation => ({
    route: `POST /documents/:id/draft/${verb}`,
    summary: { accept: 'Take', reject: 'Drop', edit: 'Change' }[verb] + ' the draft of a document.',
    body: verb === 'edit' ? draftEdit : draftDecision,
    status: 200,
    answer: view.reviewedDocument,
    errors: [...inputErrors, 'GH_DOCUMENT_NOT_FOUND', 'GH_DRAFT_NONE', 'GH_DRAFT_CHANGED'],
    example: async (scene) => ({
      path: { id: await scene.draftedDocument() },
      body: verb === 'edit' ? { md_content: '# Mine' } : {},
    }),
  })),
  {
    route: 'GET /documents/:id/stream',
    summary: 'What happens to a document, old and new.',
    query: ofUser,
    headers: lastEventId,
    status: 200,
    answer: stream,
    errors: ['GH_DOCUMENT_NOT_FOUND'],
    example: theDocument,
  },
];

export const memos: readonly Operation[] = [
  {
    route: 'POST /memos',
    summary: 'Keep a memo.',
    body: newMemo,
    status: 201,
    answer: z.strictObject({ id: z.string() }),
    errors: inputErrors,
    example: () => ({ body: { text: 'milk, bread, call the dentist about the appointment' } }),
  },
  {
    route: 'PATCH /memos/:id',
    summary: 'Change a memo. One that was promoted is drafted again.',
    body: memoChange,
    status: 200,
    answer: view.document,
    errors: [...inputErrors, 'GH_MEMO_NOT_FOUND'],
    example: ({ memoId }) => ({ path: { id: memoId }, body: { title: 'Errands' } }),
  },
  {
    route: 'GET /memos',
    summary: 'Memos, newest first.',
    query: memosQuery,
    status: 200,
    answer: z.strictObject({
      memos: z.array(
        z.strictObject({
          id: z.string(),
          title: z.string(),
          head: z.string(),
          needs_draft: z.boolean(),
          draft_status: z.string().nullable(),
          created_at: z.iso.datetime(),
          updated_at: z.iso.datetime(),
        }),
      ),
      ...view.nextPage,
    }),
    errors: ['GH_REQUEST_INVALID'],
    example: () => ({}),
  },
  {
    route: 'POST /memos/:id/promote-to-document',
    summary: 'Ask for a document to be drafted from a memo. Asking again changes nothing.',
    body: ofUser,
    status: 202,
    answer: z.strictObject({ document_id: z.string() }),
    errors: ['GH_MEMO_NOT_FOUND'],
    example: ({ memoId }) => ({ path: { id: memoId }, body: {} }),
  },
  {
    route: 'GET /drafts',
    summary: 'What waits to be drafted, what runs, what was given up.',
    query: draftsQuery,
    status: 200,
    answer: z.strictObject({
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
      running: view.runningDraft.nullable(),
      waiting: z.array(view.draft),
      dead: z.array(view.draft),
      drafted: z
        .array(
          z.strictObject({
            document_id: z.string(),
            title: z.string(),
            user_id: z.string(),
            at: z.iso.datetime(),
          }),
        )
        .describe('Drafts that wait for a decision.'),
    }),
    example: () => ({}),
  },
  {
    route: 'GET /drafts/:id',
    summary: 'One document on its way to a draft.',
    query: draftsQuery,
    status: 200,
    answer: view.draftDetail,
    errors: ['GH_DRAFT_NOT_FOUND'],
    example: async (scene) => ({ path: { id: await scene.draftedDocument() } }),
  },
  {
    route: 'POST /drafts/:id/retry',
    summary: 'Try a draft again that was given up.',
    body: draftsQuery,
    status: 202,
    answer: z.strictObject({ document_id: z.string() }),
    errors: ['GH_DRAFT_NOT_FOUND'],
    example: { not: 'needs a draft that failed for the last time: test/library/drafts' },
  },
  ...(['pause', 'resume'] as const).map((verb): Operation => ({
    route: `POST /drafts/${verb}`,
    summary: `${verb === 'pause' ? 'Draft nothing until it is resumed' : 'Go on drafting'}.`,
    status: 200,
    answer: z.strictObject({ paused: z.boolean() }),
    example: () => ({}),
  })),
];
