/** `/documents…`: create, search, list, read and remove documents; import files of this machine. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Listing } from '#shared/listing';
import { userRoute } from '../server/route-access.ts';
import { clientAbortSignal } from '../server/client-abort.ts';
import { parseInput, userIdSchema as user } from '../server/parse-input.ts';
import { sendList } from '../server/list-response.ts';

/** The part of the library that these routes use; the shapes are in docs/tools.md. */
export interface DocumentService {
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
  /** Newest first, without texts. */
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
  /** `next_cursor` of the previous page. */
  cursor?: string | undefined;
  limit: number;
}

/** Enough for a book in plain text. */
const textCharsMax = 1_000_000;
/** At most four bytes per character, plus the JSON around them. */
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
  /** Opaque; `next_cursor` of the previous page. */
  cursor: z.string().max(64).optional(),
  user_id: user,
});
export const pathsBody = z.object({
  paths: z.array(z.string().min(1)).min(1).max(1_000),
  user_id: user,
});

/** Cost of searching the text of one result, in response bytes. */
const bytesPerHit = 16 * 1024;

type WithId = { Params: { id: string } };

export function documentRoutes(service: DocumentService): (server: FastifyInstance) => void {
  return (server) => {
    server.post(
      '/documents',
      { ...userRoute, bodyLimit: documentBytesMax },
      async (request, reply) => {
        const { title, text, user_id: userId } = parseInput(newDocument, request.body);
        const { id } = await service.create(userId, { title, text });
        return reply.code(201).send({ id });
      },
    );
    server.get('/documents', userRoute, (request, reply) => {
      const { origin, limit, cursor, ...query } = parseInput(documentsQuery, request.query);
      const documents = service.list(query.user_id, {
        origin,
        draftStatus: query.draft_status,
        needsDraft: query.needs_draft === undefined ? undefined : query.needs_draft === 'true',
        cursor,
        limit,
      });
      return sendList(reply, 'documents', documents);
    });
    server.get('/documents/search', userRoute, async (request, reply) => {
      const { q, limit, user_id: userId } = parseInput(searchQuery, request.query);
      const results = await service.search(userId, q, limit, clientAbortSignal(reply));
      request.chargeResponseBytes(results.length * bytesPerHit);
      return { results };
    });
    server.get<WithId>('/documents/:id', userRoute, (request) => {
      const document = service.get(parseUserId(request), request.params.id);
      if (document === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
      return document;
    });
    server.delete<WithId>('/documents/:id', userRoute, async (request, reply) => {
      if (!service.remove(parseUserId(request), request.params.id)) {
        throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
      }
      return reply.code(204).send();
    });
    server.post('/documents/import', async (request, reply) => {
      const { paths, user_id: userId } = parseInput(pathsBody, request.body);
      const clientAbort = new AbortController();
      reply.hijack();
      reply.raw.once('close', () => clientAbort.abort());
      reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8' });
      const writeLine = (line: unknown): void => void reply.raw.write(`${JSON.stringify(line)}\n`);
      try {
        writeLine({
          report: await service.importFiles(userId, paths, writeLine, clientAbort.signal),
        });
      } catch (error) {
        writeLine({ error: messageOf(error) });
      }
      reply.raw.end();
    });
  };
}

const parseUserId = (request: FastifyRequest): string =>
  parseInput(z.object({ user_id: user }), request.query ?? {}).user_id;
