/**
 * `/drafts…`: what waits to be drafted, what runs, what was given up; and the switch for all of it. With a
 * `user_id` only what is theirs; the operator may leave it out and sees everybody's.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { GatehouseError } from '../lib/errors.ts';
import { person } from './access.ts';
import { readInput } from './input.ts';

export interface DraftDoor {
  overview(userId: string | null): object;
  /** Null where there is none for this user. */
  detail(userId: string | null, documentId: string): object | null;
  /** @throws GH_DRAFT_NOT_FOUND */
  retry(userId: string | null, documentId: string): void;
  pause(): void;
  resume(): void;
}

export const whoseDrafts = z.object({ user_id: z.string().min(1).max(256).optional() });

type WithId = { Params: { id: string } };

export function draftRoutes(door: DraftDoor): (server: FastifyInstance) => void {
  const userOf = (input: unknown): string | null => readInput(whoseDrafts, input).user_id ?? null;

  return (server) => {
    server.get('/drafts', person, (request) => door.overview(userOf(request.query)));
    server.get<WithId>('/drafts/:id', person, (request) => {
      const detail = door.detail(userOf(request.query), request.params.id);
      if (detail === null) throw new GatehouseError('GH_DRAFT_NOT_FOUND');
      return detail;
    });
    server.post<WithId>('/drafts/:id/retry', person, async (request, reply) => {
      door.retry(userOf(request.body), request.params.id);
      return reply.code(202).send({ document_id: request.params.id });
    });
    // Everybody's drafts stand still: the operator's to say.
    server.post('/drafts/pause', () => {
      door.pause();
      return { paused: true };
    });
    server.post('/drafts/resume', () => {
      door.resume();
      return { paused: false };
    });
  };
}
