/** `/documents/:id/draft…`, `/versions` and `/stream`: review of a draft, its versions and its events. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { wholeTexts } from '#shared/wire/job-service';
import { GatehouseError } from '#shared/errors';
import type { Listing } from '#shared/listing';
import { userRoute } from '../server/route-access.ts';
import { streamDocumentEvents, type DocumentEventFeed } from './document-event-stream.ts';
import { parseInput, userIdSchema } from '../server/parse-input.ts';
import { sendList } from '../server/list-response.ts';
import { parseLastEventId, sendSseHeadResponse } from '../server/sse-stream.ts';

interface BaseVersion {
  baseVersion?: number | undefined;
}

/** The part of draft review that these routes use. Throws GH_DOCUMENT_NOT_FOUND, GH_DRAFT_NONE, GH_DRAFT_CHANGED. */
export interface DraftReviewService {
  accept(userId: string, id: string, base: BaseVersion): object;
  reject(userId: string, id: string, base: BaseVersion): Promise<object>;
  edit(userId: string, id: string, markdown: string, base: BaseVersion): Promise<object>;
  /** Newest first. @throws GH_DOCUMENT_NOT_FOUND */
  versions(userId: string, id: string, page: VersionQuery): Listing<object>;
  /** With its whole text; null where the document or version does not exist. */
  version(userId: string, id: string, version: number): object | null;
  /** @throws GH_DOCUMENT_NOT_FOUND */
  assertVisible(userId: string, id: string): void;
  events: DocumentEventFeed;
}

export interface VersionQuery {
  limit: number;
  cursor?: string | undefined;
  texts: boolean;
}

/** The limit of a memo. */
const markdownCharsMax = 1_000_000;
const editBytesMax = 5 * 1024 * 1024;

export const draftDecision = z.object({
  base_version: z.number().int().min(1).optional(),
  user_id: userIdSchema,
});
export const draftEdit = draftDecision.extend({
  md_content: z.string().trim().min(1).max(markdownCharsMax),
});
export const versionsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Opaque; `next` of the previous page. */
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
  texts: wholeTexts,
  user_id: userIdSchema,
});
const userQuery = z.object({ user_id: userIdSchema });
const versionNumber = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

type WithId = { Params: { id: string } };

export function reviewRoutes(service: DraftReviewService): (server: FastifyInstance) => void {
  return (server) => {
    server.get<WithId>('/documents/:id/versions', userRoute, (request, reply) => {
      const { user_id, ...page } = parseInput(versionsQuery, request.query);
      return sendList(reply, 'versions', service.versions(user_id, request.params.id, page));
    });
    server.get<{ Params: { id: string; version: string } }>(
      '/documents/:id/versions/:version',
      userRoute,
      (request) => {
        const { user_id } = parseInput(userQuery, request.query);
        const number = versionNumber.safeParse(request.params.version);
        const version = number.success
          ? service.version(user_id, request.params.id, number.data)
          : null;
        if (version === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
        return version;
      },
    );
    for (const verb of ['accept', 'reject'] as const) {
      server.post<WithId>(`/documents/:id/draft/${verb}`, userRoute, (request) => {
        const { user_id, base_version } = parseInput(draftDecision, request.body);
        return service[verb](user_id, request.params.id, { baseVersion: base_version });
      });
    }
    server.post<WithId>(
      '/documents/:id/draft/edit',
      { ...userRoute, bodyLimit: editBytesMax },
      (request) => {
        const { user_id, base_version, md_content } = parseInput(draftEdit, request.body);
        const base = { baseVersion: base_version };
        return service.edit(user_id, request.params.id, md_content, base);
      },
    );
    server.get<WithId>('/documents/:id/stream', userRoute, async (request, reply) => {
      const { user_id } = parseInput(userQuery, request.query);
      service.assertVisible(user_id, request.params.id);
      if (request.method === 'HEAD') return sendSseHeadResponse(reply);
      reply.hijack();
      await streamDocumentEvents(
        reply.raw,
        service.events,
        request.params.id,
        parseLastEventId(request),
      );
    });
  };
}
