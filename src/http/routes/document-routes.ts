/** `/documents…`: create, search, list, read and remove documents; import files of this machine. */
import { z } from 'zod';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Listing } from '#shared/listing';
import {
  contentOrigins,
  documentSchema,
  listedDocumentSchema,
  sourceSchema,
  type DocumentView,
  type ListedDocumentView,
} from '#shared/wire/document-views';
import { nextPage } from '#shared/wire/job-service';
import { clientAbortSignal } from '../server/respond.ts';
import {
  idParams,
  textResponse,
  userFields,
  userIdSchema,
  declareRoutes,
  type RouteServer,
} from '../server/route-schemas.ts';
import { sendList } from '../server/list-response.ts';

/** The part of the library that these routes use; the shapes are in docs/tools.md. */
export interface DocumentService {
  create(
    userId: string,
    document: { title?: string | undefined; text: string },
  ): Promise<{ id: string }>;
  get(userId: string, id: string): Promise<DocumentView | null>;
  remove(userId: string, id: string): Promise<boolean>;
  search(
    userId: string,
    query: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<z.infer<typeof searchHit>[]>;
  /** Newest first, without texts. */
  list(userId: string, query: DocumentFilter): Listing<ListedDocumentView>;
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

const newDocument = z.object({
  title: z.string().max(200).optional(),
  text: z.string().min(1).max(textCharsMax),
  user_id: userIdSchema,
});
const searchQuery = z.object({
  q: z.string().trim().min(1).max(500),
  limit: z.coerce.number().int().min(1).max(100).default(10),
  user_id: userIdSchema,
});
const documentsQuery = z.object({
  origin: z.enum(contentOrigins).optional(),
  draft_status: z.enum(['draft', 'accepted']).optional(),
  needs_draft: z.enum(['true', 'false']).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Opaque; `next_cursor` of the previous page. */
  cursor: z.string().max(64).optional(),
  user_id: userIdSchema,
});
const pathsBody = z.object({
  paths: z.array(z.string().min(1)).min(1).max(1_000),
  user_id: userIdSchema,
});

const searchHit = z.strictObject({ ...sourceSchema.shape, score: z.number() });

/** Cost of searching the text of one result, in response bytes. */
const bytesPerHit = 16 * 1024;

const declare = declareRoutes('documents');

export const documentRoutes =
  (service: DocumentService) =>
  (server: RouteServer): void => {
    server.post(
      '/documents',
      declare.person('Add a document.', {
        body: newDocument,
        response: { 201: z.strictObject({ id: z.string() }) },
        bodyLimit: documentBytesMax,
      }),
      async (request, reply) => {
        const { title, text, user_id: userId } = request.body;
        const { id } = await service.create(userId, { title, text });
        return reply.code(201).send({ id });
      },
    );
    server.get(
      '/documents',
      declare.person('Documents, newest first, without their texts.', {
        querystring: documentsQuery,
        response: {
          200: z.strictObject({ documents: z.array(listedDocumentSchema), ...nextPage }),
        },
      }),
      (request, reply) => {
        const { origin, limit, cursor, ...query } = request.query;
        const documents = service.list(query.user_id, {
          origin,
          draftStatus: query.draft_status,
          needsDraft: query.needs_draft === undefined ? undefined : query.needs_draft === 'true',
          cursor,
          limit,
        });
        return sendList(reply, 'documents', documents);
      },
    );
    server.get(
      '/documents/search',
      declare.person('Find documents by words.', {
        querystring: searchQuery,
        response: { 200: z.strictObject({ results: z.array(searchHit) }) },
      }),
      async (request, reply) => {
        const { q, limit, user_id: userId } = request.query;
        const results = await service.search(userId, q, limit, clientAbortSignal(reply));
        request.chargeResponseBytes(results.length * bytesPerHit);
        return { results };
      },
    );
    addOneDocument(server, service);
    addImport(server, service);
  };

function addOneDocument(server: RouteServer, service: DocumentService): void {
  server.get(
    '/documents/:id',
    declare.person('One document.', {
      params: idParams,
      querystring: userFields,
      response: { 200: documentSchema },
      errors: ['GH_DOCUMENT_NOT_FOUND'],
    }),
    async ({ query, params }) => {
      const document = await service.get(query.user_id, params.id);
      if (document === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
      return document;
    },
  );
  server.delete(
    '/documents/:id',
    declare.person('Remove a document: it is found no more.', {
      params: idParams,
      querystring: userFields,
      response: { 204: z.null() },
      errors: ['GH_DOCUMENT_NOT_FOUND'],
    }),
    async ({ query, params }, reply) => {
      if (!(await service.remove(query.user_id, params.id))) {
        throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
      }
      return reply.code(204).send(null);
    },
  );
}

/** For the operator only: it reads files of this machine. */
function addImport(server: RouteServer, service: DocumentService): void {
  server.post(
    '/documents/import',
    declare.operator(
      'Bring files of this machine in; a line of JSON for each step, the last with the report.',
      { body: pathsBody, response: { 200: textResponse('application/x-ndjson') } },
    ),
    async (request, reply) => {
      const { paths, user_id: userId } = request.body;
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
    },
  );
}
