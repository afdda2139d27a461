/** `/memos…`: create, edit, list, and promote to documents, which requests a draft. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Listing } from '#shared/listing';
import { userRoute } from '../server/route-access.ts';
import { parseInput, userIdSchema } from '../server/parse-input.ts';
import { sendList } from '../server/list-response.ts';

/** The part of the memos that these routes use. All methods but the first throw GH_MEMO_NOT_FOUND. */
export interface MemoService {
  create(
    userId: string,
    memo: { text: string; title?: string | undefined },
  ): Promise<{ id: string }>;
  edit(userId: string, id: string, change: { text?: string; title?: string }): Promise<object>;
  list(userId: string, page: { limit: number; cursor?: string | undefined }): Listing<MemoView>;
  promote(userId: string, id: string): string;
}

export interface MemoView {
  id: string;
  title: string;
  /** The first characters of the text. */
  head: string;
  needs_draft: boolean;
  draft_status: string | null;
  created_at: string;
  updated_at: string;
}

/** Enough for a book in plain text. */
const textCharsMax = 1_000_000;
const memoBytesMax = 5 * 1024 * 1024;

const title = z.string().max(200);
const text = z.string().min(1).max(textCharsMax);
export const newMemo = z.object({ text, title: title.optional(), user_id: userIdSchema });
export const memoChange = z
  .object({ text: text.optional(), title: title.optional(), user_id: userIdSchema })
  .refine((body) => body.text !== undefined || body.title !== undefined, 'text or title is needed');
export const memosQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Opaque; `next_cursor` of the previous page. */
  cursor: z.string().max(64).optional(),
  user_id: userIdSchema,
});
const userQuery = z.object({ user_id: userIdSchema });

type WithId = { Params: { id: string } };

export function memoRoutes(service: MemoService): (server: FastifyInstance) => void {
  return (server) => {
    server.post('/memos', { ...userRoute, bodyLimit: memoBytesMax }, async (request, reply) => {
      const { user_id, ...memo } = parseInput(newMemo, request.body);
      const { id } = await service.create(user_id, memo);
      return reply.code(201).send({ id });
    });
    server.patch<WithId>('/memos/:id', { ...userRoute, bodyLimit: memoBytesMax }, (request) => {
      const { user_id, ...given } = parseInput(memoChange, request.body);
      const change = {
        ...(given.text === undefined ? {} : { text: given.text }),
        ...(given.title === undefined ? {} : { title: given.title }),
      };
      return service.edit(user_id, request.params.id, change);
    });
    server.get('/memos', userRoute, (request, reply) => {
      const { user_id, ...page } = parseInput(memosQuery, request.query);
      return sendList(reply, 'memos', service.list(user_id, page));
    });
    server.post<WithId>('/memos/:id/promote-to-document', userRoute, async (request, reply) => {
      const { user_id } = parseInput(userQuery, request.body);
      return reply.code(202).send({ document_id: service.promote(user_id, request.params.id) });
    });
  };
}
