/** `/documents/:id/draft…`, `/versions` and `/stream`: what a person does with a draft, and sees of it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GatehouseError } from '../lib/errors.ts';
import { person } from './access.ts';
import { streamDocument, type DocumentEventSource } from './document-stream.ts';
import { readInput, userId } from './input.ts';

interface Base {
  baseVersion?: number | undefined;
}

/** The review of drafts, as these routes need it. Throws GH_DOCUMENT_NOT_FOUND, GH_DRAFT_NONE, GH_DRAFT_CHANGED. */
export interface ReviewDoor {
  accept(userId: string, id: string, base: Base): object;
  reject(userId: string, id: string, base: Base): Promise<object>;
  edit(userId: string, id: string, markdown: string, base: Base): Promise<object>;
  /** Newest first; null where there is no such document. */
  versions(userId: string, id: string): object[] | null;
  events: DocumentEventSource;
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
const ofUser = z.object({ user_id: userId });

type WithId = { Params: { id: string } };

export function reviewRoutes(door: ReviewDoor): (server: FastifyInstance) => void {
  const versionsOf = (request: FastifyRequest<WithId>): object[] => {
    const { user_id } = readInput(ofUser, request.query);
    const versions = door.versions(user_id, request.params.id);
    if (versions === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
    return versions;
  };

  return (server) => {
    server.get<WithId>('/documents/:id/versions', person, (request) => ({
      versions: versionsOf(request),
    }));
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
      // The same refusal where there is no such document.
      versionsOf(request);
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
