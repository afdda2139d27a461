/**
 * `/drafts…`: drafts that wait, run or were given up; pause and resume. With a `user_id` only the drafts of that user;
 * the operator may leave it out and gets the drafts of all users.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';
import { userRoute } from '../server/route-access.ts';
import { parseInput } from '../server/parse-input.ts';

export interface DraftQueueService {
  overview(userId: string | null): object;
  /** Null where this user has no such draft. */
  detail(userId: string | null, documentId: string): object | null;
  /** @throws GH_DRAFT_NOT_FOUND */
  retry(userId: string | null, documentId: string): void;
  pause(): void;
  resume(): void;
}

export const draftsQuery = z.object({ user_id: z.string().min(1).max(256).optional() });

type WithId = { Params: { id: string } };

export function draftRoutes(service: DraftQueueService): (server: FastifyInstance) => void {
  const parseUserId = (input: unknown): string | null =>
    parseInput(draftsQuery, input).user_id ?? null;

  return (server) => {
    server.get('/drafts', userRoute, (request) => service.overview(parseUserId(request.query)));
    server.get<WithId>('/drafts/:id', userRoute, (request) => {
      const detail = service.detail(parseUserId(request.query), request.params.id);
      if (detail === null) throw new GatehouseError('GH_DRAFT_NOT_FOUND');
      return detail;
    });
    server.post<WithId>('/drafts/:id/retry', userRoute, async (request, reply) => {
      service.retry(parseUserId(request.body), request.params.id);
      return reply.code(202).send({ document_id: request.params.id });
    });
    // Pausing stops the drafts of all users, so only the operator may do it.
    server.post('/drafts/pause', () => {
      service.pause();
      return { paused: true };
    });
    server.post('/drafts/resume', () => {
      service.resume();
      return { paused: false };
    });
  };
}
