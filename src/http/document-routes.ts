/** `/documents…`: documents in, found, read, removed; files of this machine imported. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import { readInput, userId as user } from './input.ts';

/** The library, as these routes need it: views are the rows of docs/tools.md. */
export interface DocumentDoor {
  create(userId: string, document: { title?: string | undefined; text: string }): { id: string };
  get(userId: string, id: string): Record<string, unknown> | null;
  remove(userId: string, id: string): boolean;
  search(
    userId: string,
    query: string,
    limit: number,
  ): { id: string; title: string; snippet: string; score: number }[];
  importFiles(
    userId: string,
    paths: readonly string[],
    onProgress: (progress: unknown) => void,
    signal: AbortSignal,
  ): Promise<unknown>;
}

/** A book in plain text; larger is data, not a document. */
const textCharsMax = 1_000_000;
/** Four bytes a character at the most, and the JSON around them. */
const documentBytesMax = 5 * 1024 * 1024;

const newDocument = z.object({
  title: z.string().max(200).optional(),
  text: z.string().min(1).max(textCharsMax),
  user_id: user,
});
const searchQuery = z.object({
  q: z.string().trim().min(1).max(500),
  limit: z.coerce.number().int().min(1).max(100).default(10),
  user_id: user,
});
const importBody = z.object({ paths: z.array(z.string().min(1)).min(1).max(1_000), user_id: user });

type WithId = { Params: { id: string } };

export function documentRoutes(door: DocumentDoor): (server: FastifyInstance) => void {
  return (server) => {
    server.post('/documents', { bodyLimit: documentBytesMax }, async (request, reply) => {
      const { title, text, user_id: userId } = readInput(newDocument, request.body);
      const { id } = door.create(userId, { title, text });
      return reply.code(201).send({ id });
    });
    server.get('/documents/search', (request) => {
      const { q, limit, user_id: userId } = readInput(searchQuery, request.query);
      return { results: door.search(userId, q, limit) };
    });
    server.get<WithId>('/documents/:id', (request) => {
      const document = door.get(userOf(request), request.params.id);
      if (document === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
      return document;
    });
    server.delete<WithId>('/documents/:id', async (request, reply) => {
      if (!door.remove(userOf(request), request.params.id)) {
        throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
      }
      return reply.code(204).send();
    });
    server.post('/documents/import', async (request, reply) => {
      const { paths, user_id: userId } = readInput(importBody, request.body);
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
