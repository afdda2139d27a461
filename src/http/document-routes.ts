/** `/documents…`: documents in, found, listed, read, removed; files of this machine imported. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { Listing } from '../lib/listing.ts';
import { person } from './access.ts';
import { whenGone } from './gone.ts';
import { readInput, userId as user } from './input.ts';
import { sendList } from './list-reply.ts';

/** The library, as these routes need it: views are the rows of docs/tools.md. */
export interface DocumentDoor {
  create(
    userId: string,
    document: { title?: string | undefined; text: string },
  ): Promise<{ id: string }>;
  get(userId: string, id: string): Record<string, unknown> | null;
  remove(userId: string, id: string): boolean;
  search(
    userId: string,
    query: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<{ id: string; title: string; snippet: string; score: number }[]>;
  /** Newest first, without their texts. */
  list(userId: string, query: DocumentFilter): Listing<object>;
  importFiles(
    userId: string,
    paths: readonly string[],
    onProgress: (progress: unknown) => void,
    signal: AbortSignal,
  ): Promise<unknown>;
}

interface DocumentFilter {
  origin?: string | undefined;
  draftStatus?: string | undefined;
  needsDraft?: boolean | undefined;
  /** Of the page before. */
  cursor?: string | undefined;
  limit: number;
}

/** A book in plain text; larger is data, not a document. */
const textCharsMax = 1_000_000;
/** Four bytes a character at the most, and the JSON around them. */
const documentBytesMax = 5 * 1024 * 1024;

export const newDocument = z.object({
  title: z.string().max(200).optional(),
  text: z.string().min(1).max(textCharsMax),
  user_id: user,
});
export const searchQuery = z.object({
  q: z.string().trim().min(1).max(500),
  limit: z.coerce.number().int().min(1).max(100).default(10),
  user_id: user,
});
export const documentsQuery = z.object({
  origin: z.enum(['memo', 'text', 'file', 'ai_drafted']).optional(),
  draft_status: z.enum(['draft', 'accepted']).optional(),
  needs_draft: z.enum(['true', 'false']).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Opaque; `next_cursor` of the page before. */
  cursor: z.string().max(64).optional(),
  user_id: user,
});
export const pathsBody = z.object({
  paths: z.array(z.string().min(1)).min(1).max(1_000),
  user_id: user,
});

/** What it costs to look through the text of one result, as bytes of an answer. */
const bytesPerHit = 16 * 1024;

type WithId = { Params: { id: string } };

export function documentRoutes(door: DocumentDoor): (server: FastifyInstance) => void {
  return (server) => {
    server.post(
      '/documents',
      { ...person, bodyLimit: documentBytesMax },
      async (request, reply) => {
        const { title, text, user_id: userId } = readInput(newDocument, request.body);
        const { id } = await door.create(userId, { title, text });
        return reply.code(201).send({ id });
      },
    );
    server.get('/documents', person, (request, reply) => {
      const { origin, limit, cursor, ...query } = readInput(documentsQuery, request.query);
      const documents = door.list(query.user_id, {
        origin,
        draftStatus: query.draft_status,
        needsDraft: query.needs_draft === undefined ? undefined : query.needs_draft === 'true',
        cursor,
        limit,
      });
      return sendList(reply, 'documents', documents);
    });
    server.get('/documents/search', person, async (request, reply) => {
      const { q, limit, user_id: userId } = readInput(searchQuery, request.query);
      const results = await door.search(userId, q, limit, whenGone(reply));
      request.countAnswer(results.length * bytesPerHit);
      return { results };
    });
    server.get<WithId>('/documents/:id', person, (request) => {
      const document = door.get(userOf(request), request.params.id);
      if (document === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
      return document;
    });
    server.delete<WithId>('/documents/:id', person, async (request, reply) => {
      if (!door.remove(userOf(request), request.params.id)) {
        throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
      }
      return reply.code(204).send();
    });
    server.post('/documents/import', async (request, reply) => {
      const { paths, user_id: userId } = readInput(pathsBody, request.body);
      const gone = new AbortController();
      reply.hijack();
      reply.raw.once('close', () => gone.abort());
      reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8' });
      const tell = (line: unknown): void => void reply.raw.write(`${JSON.stringify(line)}\n`);
      try {
        tell({ report: await door.importFiles(userId, paths, tell, gone.signal) });
      } catch (error) {
        tell({ error: messageOf(error) });
      }
      reply.raw.end();
    });
  };
}

const userOf = (request: FastifyRequest): string =>
  readInput(z.object({ user_id: user }), request.query ?? {}).user_id;
