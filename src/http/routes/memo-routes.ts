/** `/memos…`: create, edit, list, and promote to documents, which requests a draft. */
import { z } from 'zod';
import type { Listing } from '#shared/listing';
import {
  documentSchema,
  memoSchema,
  type DocumentView,
  type MemoView,
} from '#shared/wire/document-views';
import { nextPage } from '#shared/wire/job-service';
import {
  idParams,
  userFields,
  userIdSchema,
  declareRoutes,
  type RouteServer,
} from '../server/route-schemas.ts';
import { sendList } from '../server/list-response.ts';

/** The part of the memos that these routes use. All methods but the first throw GH_MEMO_NOT_FOUND. */
export interface MemoService {
  create(
    userId: string,
    memo: { text: string; title?: string | undefined },
  ): Promise<{ id: string }>;
  edit(
    userId: string,
    id: string,
    change: { text?: string; title?: string },
  ): Promise<DocumentView>;
  list(userId: string, page: { limit: number; cursor?: string | undefined }): Listing<MemoView>;
  promote(userId: string, id: string): Promise<string>;
}

/** Enough for a book in plain text. */
const textCharsMax = 1_000_000;
const memoBytesMax = 5 * 1024 * 1024;

const title = z.string().max(200);
const text = z.string().min(1).max(textCharsMax);
const newMemo = z.object({ text, title: title.optional(), user_id: userIdSchema });
const memoChange = z
  .object({ text: text.optional(), title: title.optional(), user_id: userIdSchema })
  .refine((body) => body.text !== undefined || body.title !== undefined, 'text or title is needed');
const memosQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Opaque; `next_cursor` of the previous page. */
  cursor: z.string().max(64).optional(),
  user_id: userIdSchema,
});

const declare = declareRoutes('memos');

export const memoRoutes =
  (service: MemoService) =>
  (server: RouteServer): void => {
    server.post(
      '/memos',
      declare.person('Keep a memo.', {
        body: newMemo,
        response: { 201: z.strictObject({ id: z.string() }) },
        bodyLimit: memoBytesMax,
      }),
      async (request, reply) => {
        const { user_id, ...memo } = request.body;
        const { id } = await service.create(user_id, memo);
        return reply.code(201).send({ id });
      },
    );
    server.get(
      '/memos',
      declare.person('Memos, newest first.', {
        querystring: memosQuery,
        response: { 200: z.strictObject({ memos: z.array(memoSchema), ...nextPage }) },
      }),
      (request, reply) => {
        const { user_id, ...page } = request.query;
        return sendList(reply, 'memos', service.list(user_id, page));
      },
    );
    addOneMemo(server, service);
  };

function addOneMemo(server: RouteServer, service: MemoService): void {
  server.patch(
    '/memos/:id',
    declare.person('Change a memo. One that was promoted is drafted again.', {
      params: idParams,
      body: memoChange,
      response: { 200: documentSchema },
      errors: ['GH_MEMO_NOT_FOUND'],
      bodyLimit: memoBytesMax,
    }),
    (request) => {
      const { user_id, ...given } = request.body;
      const change = {
        ...(given.text === undefined ? {} : { text: given.text }),
        ...(given.title === undefined ? {} : { title: given.title }),
      };
      return service.edit(user_id, request.params.id, change);
    },
  );
  server.post(
    '/memos/:id/promote-to-document',
    declare.person('Ask for a document to be drafted from a memo. Asking again changes nothing.', {
      params: idParams,
      body: userFields,
      response: { 202: z.strictObject({ document_id: z.string() }) },
      errors: ['GH_MEMO_NOT_FOUND'],
    }),
    async (request, reply) => {
      const document_id = await service.promote(request.body.user_id, request.params.id);
      return reply.code(202).send({ document_id });
    },
  );
}
