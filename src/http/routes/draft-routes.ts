/**
 * `/drafts…`: drafts that wait, run or were given up; pause and resume. With a `user_id` only the drafts of that user;
 * the operator may leave it out and gets the drafts of all users.
 */
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';
import {
  draftDetailSchema,
  draftOverviewSchema,
  type DraftDetail,
  type DraftOverview,
} from '#shared/wire/document-views';
import { idParams, declareRoutes, type RouteServer } from '../server/route-schemas.ts';

export interface DraftQueueService {
  overview(userId: string | null): Promise<DraftOverview>;
  /** Null where this user has no such draft. */
  detail(userId: string | null, documentId: string): Promise<DraftDetail | null>;
  /** @throws GH_DRAFT_NOT_FOUND */
  retry(userId: string | null, documentId: string): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
}

const ownerFields = z.object({ user_id: z.string().min(1).max(256).optional() });

const declare = declareRoutes('memos');

export const draftRoutes =
  (service: DraftQueueService) =>
  (server: RouteServer): void => {
    server.get(
      '/drafts',
      declare.person('What waits to be drafted, what runs, what was given up.', {
        querystring: ownerFields,
        response: { 200: draftOverviewSchema },
      }),
      ({ query }) => service.overview(query.user_id ?? null),
    );
    server.get(
      '/drafts/:id',
      declare.person('One document on its way to a draft.', {
        params: idParams,
        querystring: ownerFields,
        response: { 200: draftDetailSchema },
        errors: ['GH_DRAFT_NOT_FOUND'],
      }),
      async ({ query, params }) => {
        const detail = await service.detail(query.user_id ?? null, params.id);
        if (detail === null) throw new GatehouseError('GH_DRAFT_NOT_FOUND');
        return detail;
      },
    );
    server.post(
      '/drafts/:id/retry',
      declare.person('Try a draft again that was given up.', {
        params: idParams,
        body: ownerFields,
        response: { 202: z.strictObject({ document_id: z.string() }) },
        errors: ['GH_DRAFT_NOT_FOUND'],
      }),
      async ({ body, params }, reply) => {
        await service.retry(body.user_id ?? null, params.id);
        return reply.code(202).send({ document_id: params.id });
      },
    );
    // Pausing stops the drafts of all users, so only the operator may do it.
    const response = { 200: z.strictObject({ paused: z.boolean() }) };
    const pause = declare.operator('Draft nothing until it is resumed.', { response });
    server.post('/drafts/pause', pause, async () => {
      await service.pause();
      return { paused: true };
    });
    const resume = declare.operator('Go on drafting.', { response });
    server.post('/drafts/resume', resume, async () => {
      await service.resume();
      return { paused: false };
    });
  };
