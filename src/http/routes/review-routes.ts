/** `/documents/:id/draft…`, `/versions` and `/stream`: review of a draft, its versions and its events. */
import { z } from 'zod';
import { nextPage, wholeTexts } from '#shared/wire/job-service';
import {
  listedVersionSchema,
  reviewedDocumentSchema,
  versionSchema,
  type ReviewedDocumentView,
  type VersionView,
} from '#shared/wire/document-views';
import { GatehouseError } from '#shared/errors';
import type { Listing } from '#shared/listing';
import { streamStoredEvents, type StoredEventFeed } from './stored-event-stream.ts';
import {
  eventStream,
  idParams,
  lastEventHeaders,
  lastEventQuery,
  userFields,
  userIdSchema,
  declareRoutes,
  type RouteServer,
} from '../server/route-schemas.ts';
import { sendList } from '../server/list-response.ts';
import { parseLastEventId, sendSseHeadResponse } from '../server/sse-stream.ts';

interface BaseVersion {
  baseVersion?: number | undefined;
}

/** The part of draft review that these routes use. Throws GH_DOCUMENT_NOT_FOUND, GH_DRAFT_NONE, GH_DRAFT_CHANGED. */
export interface DraftReviewService {
  accept(userId: string, id: string, base: BaseVersion): Promise<ReviewedDocumentView>;
  reject(userId: string, id: string, base: BaseVersion): Promise<ReviewedDocumentView>;
  edit(
    userId: string,
    id: string,
    markdown: string,
    base: BaseVersion,
  ): Promise<ReviewedDocumentView>;
  /** Newest first. @throws GH_DOCUMENT_NOT_FOUND */
  versions(userId: string, id: string, page: VersionQuery): Promise<Listing<VersionView>>;
  /** With its whole text; null where the document or version does not exist. */
  version(userId: string, id: string, version: number): Promise<VersionView | null>;
  /** @throws GH_DOCUMENT_NOT_FOUND */
  assertVisible(userId: string, id: string): Promise<void>;
  events: StoredEventFeed;
}

export interface VersionQuery {
  limit: number;
  cursor?: string | undefined;
  texts: boolean;
}

/** The limit of a memo. */
const markdownCharsMax = 1_000_000;
const editBytesMax = 5 * 1024 * 1024;

const draftDecision = z.object({
  base_version: z.number().int().min(1).optional(),
  user_id: userIdSchema,
});
const draftEdit = draftDecision.extend({
  md_content: z.string().trim().min(1).max(markdownCharsMax),
});
const versionsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Opaque; `next` of the previous page. */
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
  texts: wholeTexts,
  user_id: userIdSchema,
});
/** Another value names no version, which is answered like a version that does not exist. */
const versionNumber = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

const declare = declareRoutes('documents');
const notFound = ['GH_DOCUMENT_NOT_FOUND'] as const;

export const reviewRoutes =
  (service: DraftReviewService) =>
  (server: RouteServer): void => {
    addVersions(server, service);
    addDecisions(server, service);
    server.get(
      '/documents/:id/stream',
      declare.person('What happens to a document, old and new.', {
        params: idParams,
        querystring: userFields.extend(lastEventQuery.shape),
        headers: lastEventHeaders,
        response: { 200: eventStream },
        errors: notFound,
      }),
      async (request, reply) => {
        const { id } = request.params;
        await service.assertVisible(request.query.user_id, id);
        if (request.method === 'HEAD') return sendSseHeadResponse(reply);
        reply.hijack();
        await streamStoredEvents(reply.raw, service.events, id, parseLastEventId(request));
      },
    );
  };

function addVersions(server: RouteServer, service: DraftReviewService): void {
  server.get(
    '/documents/:id/versions',
    declare.person(
      'Everything that was ever written for a document, newest first, at most 1 MiB of it.',
      {
        params: idParams,
        querystring: versionsQuery,
        response: { 200: z.strictObject({ versions: z.array(listedVersionSchema), ...nextPage }) },
        errors: notFound,
      },
    ),
    async (request, reply) => {
      const { user_id, ...page } = request.query;
      const versions = await service.versions(user_id, request.params.id, page);
      return sendList(reply, 'versions', versions);
    },
  );
  server.get(
    '/documents/:id/versions/:version',
    declare.person('One of them with its whole text.', {
      params: idParams.extend({ version: z.string() }),
      querystring: userFields,
      response: { 200: versionSchema },
      errors: notFound,
    }),
    async ({ query, params }) => {
      const number = versionNumber.safeParse(params.version);
      const version = number.success
        ? await service.version(query.user_id, params.id, number.data)
        : null;
      if (version === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
      return version;
    },
  );
}

function addDecisions(server: RouteServer, service: DraftReviewService): void {
  const errors = [...notFound, 'GH_DRAFT_NONE', 'GH_DRAFT_CHANGED'] as const;
  const response = { 200: reviewedDocumentSchema };
  for (const verb of ['accept', 'reject'] as const) {
    const summary = `${verb === 'accept' ? 'Take' : 'Drop'} the draft of a document.`;
    server.post(
      `/documents/:id/draft/${verb}`,
      declare.person(summary, { params: idParams, body: draftDecision, response, errors }),
      ({ body, params }) =>
        service[verb](body.user_id, params.id, { baseVersion: body.base_version }),
    );
  }
  server.post(
    '/documents/:id/draft/edit',
    declare.person('Change the draft of a document.', {
      params: idParams,
      body: draftEdit,
      response,
      errors,
      bodyLimit: editBytesMax,
    }),
    ({ body, params }) =>
      service.edit(body.user_id, params.id, body.md_content, { baseVersion: body.base_version }),
  );
}
