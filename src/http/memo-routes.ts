/** `/memos…`: written, edited, listed, and promoted to documents, which asks for a draft. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Listing } from '../lib/listing.ts';
import { person } from './access.ts';
import { readInput, userId } from './input.ts';
import { sendList } from './list-reply.ts';

/** The memos, as these routes need them. All but the first throw GH_MEMO_NOT_FOUND. */
export interface MemoDoor {
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

/** A book in plain text; larger is data, not a memo. */
const textCharsMax = 1_000_000;
const memoBytesMax = 5 * 1024 * 1024;

const title = z.string().max(200);
const text = z.string().min(1).max(textCharsMax);
export const newMemo = z.object({ text, title: title.optional(), user_id: userId });
export const memoChange = z
  .object({ text: text.optional(), title: title.optional(), user_id: userId })
  .refine((body) => body.text !== undefined || body.title !== undefined, 'text or title is needed');
export const memosQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Opaque; `next_cursor` of the page before. */
  cursor: z.string().max(64).optional(),
  user_id: userId,
});
const ofUser = z.object({ user_id: userId });

type WithId = { Params: { id: string } };

export function memoRoutes(door: MemoDoor): (server: FastifyInstance) => void {
  return (server) => {
    server.post('/memos', { ...person, bodyLimit: memoBytesMax }, async (request, reply) => {
      const { user_id, ...memo } = readInput(newMemo, request.body);
      const { id } = await door.create(user_id, memo);
      return reply.code(201).send({ id });
    });
    server.patch<WithId>('/memos/:id', { ...person, bodyLimit: memoBytesMax }, (request) => {
      const { user_id, ...given } = readInput(memoChange, request.body);
      const change = {
        ...(given.text === undefined ? {} : { text: given.text }),
        ...(given.title === undefined ? {} : { title: given.title }),
      };
      return door.edit(user_id, request.params.id, change);
    });
    server.get('/memos', person, (request, reply) => {
      const { user_id, ...page } = readInput(memosQuery, request.query);
      return sendList(reply, 'memos', door.list(user_id, page));
    });
    server.post<WithId>('/memos/:id/promote-to-document', person, async (request, reply) => {
      const { user_id } = readInput(ofUser, request.body);
      return reply.code(202).send({ document_id: door.promote(user_id, request.params.id) });
    });
  };
}
