/** `/documents/:id/draft…`, `/versions` and `/stream`: what a person does with a draft, and sees of it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { wholeTexts } from '../contract/door.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Listing } from '../lib/listing.ts';
import { person } from './access.ts';
import { streamDocument, type DocumentEventSource } from './document-stream.ts';
import { readInput, userId } from './input.ts';
import { sendList } from './list-reply.ts';
import { sendHead } from './sse-head.ts';

interface Base {
  baseVersion?: number | undefined;
}

/** The review of drafts, as these routes need it. Throws GH_DOCUMENT_NOT_FOUND, GH_DRAFT_NONE, GH_DRAFT_CHANGED. */
export interface ReviewDoor {
  accept(userId: string, id: string, base: Base): object;
  reject(userId: string, id: string, base: Base): Promise<object>;
  edit(userId: string, id: string, markdown: string, base: Base): Promise<object>;
  /** Newest first. @throws GH_DOCUMENT_NOT_FOUND */
  versions(userId: string, id: string, page: VersionQuery): Listing<object>;
  /** With its whole text; null where there is no such document or version. */
  version(userId: string, id: string, version: number): object | null;
  /** @throws GH_DOCUMENT_NOT_FOUND */
  mustSee(userId: string, id: string): void;
  events: DocumentEventSource;
}

export interface VersionQuery {
  limit: number;
  cursor?: string | undefined;
  texts: boolean;
}

/** As much as a memo may have. */
const markdownCharsMax = 1_000_000;
const editBytesMax = 5 * 1024 * 1024;

export const draftDecision = z.object({
  base_version: z.number().int().min(1).optional(),
  user_id: userId,
});
export const draftEdit = draftDecision.extend({
  md_content: z.string().trim().min(1).max(markdownCharsMax),
});
export const versionsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  /** Opaque; `next` of the page before. */
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
  texts: wholeTexts,
  user_id: userId,
});
const ofUser = z.object({ user_id: userId });
const versionNumber = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

type WithId = { Params: { id: string } };

export function reviewRoutes(door: ReviewDoor): (server: FastifyInstance) => void {
  return (server) => {
    server.get<WithId>('/documents/:id/versions', person, (request, reply) => {
      const { user_id, ...page } = readInput(versionsQuery, request.query);
      return sendList(reply, 'versions', door.versions(user_id, request.params.id, page));
    });
    server.get<{ Params: { id: string; version: string } }>(
      '/documents/:id/versions/:version',
      person,
      (request) => {
        const { user_id } = readInput(ofUser, request.query);
        const number = versionNumber.safeParse(request.params.version);
        const version = number.success
          ? door.version(user_id, request.params.id, number.data)
          : null;
        if (version === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
        return version;
      },
    );
    for (const verb of ['accept', 'reject'] as const) {
      server.post<WithId>(`/documents/:id/draft/${verb}`, person, (request) => {
        const { user_id, base_version } = readInput(draftDecision, request.body);
        return door[verb](user_id, request.params.id, { baseVersion: base_version });
      });
    }
    server.post<WithId>(
      '/documents/:id/draft/edit',
      { ...person, bodyLimit: editBytesMax },
      (request) => {
        const { user_id, base_version, md_content } = readInput(draftEdit, request.body);
        const base = { baseVersion: base_version };
        return door.edit(user_id, request.params.id, md_content, base);
      },
    );
    server.get<WithId>('/documents/:id/stream', person, async (request, reply) => {
      const { user_id } = readInput(ofUser, request.query);
      door.mustSee(user_id, request.params.id);
      if (request.method === 'HEAD') return sendHead(reply);
      reply.hijack();
      await streamDocument(reply.raw, door.events, request.params.id, lastSeen(request));
    });
  };
}

/** A reader that has seen nothing, or says nonsense, starts at the beginning. */
function lastSeen(request: FastifyRequest): number {
  const header = request.headers['last-event-id'];
  const query = (request.query as Record<string, unknown>)['last_event_id'];
  const seq = Number(header ?? query ?? 0);
  return Number.isSafeInteger(seq) && seq > 0 ? seq : 0;
}
