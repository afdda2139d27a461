/** `/memory…`: the facts that people have asked to remember. */
import {
  factListQuery,
  factOwner,
  factPageSchema,
  factSchema,
  factUser,
  forgottenSchema,
  newFactBody,
  type FactRef,
  type MemoryService,
} from '#shared/wire/memory-service';
import { declareRoutes, idParams, type RouteServer } from '../server/route-schemas.ts';

const declare = declareRoutes('memory');

const notFound = ['GH_MEMORY_NOT_FOUND'] as const;

/** A user's key has the user filled in (route-access.ts). */
const refOf = (
  { id }: { id: string },
  { user_id: userId }: { user_id?: string | undefined },
): FactRef => ({ id, userId: userId ?? null });

export const memoryRoutes =
  (service: MemoryService) =>
  (server: RouteServer): void => {
    server.get(
      '/memory',
      declare.person('Facts, newest first; of all people without a user.', {
        querystring: factListQuery,
        response: { 200: factPageSchema },
      }),
      (request) => service.list(request.query),
    );
    server.post(
      '/memory',
      declare.person('Keep a fact. One that the person has told already is not kept twice.', {
        body: newFactBody,
        response: { 201: factSchema },
        errors: ['GH_MEMORY_INVALID', 'GH_MEMORY_LIMIT'],
      }),
      async (request, reply) => reply.code(201).send(await service.keep(request.body, 'http')),
    );
    server.delete(
      '/memory',
      declare.person('Forget all facts of a person, for good.', {
        querystring: factOwner,
        response: { 200: forgottenSchema },
      }),
      (request) => service.forgetAll(request.query.user_id),
    );
    server.get(
      '/memory/:id',
      declare.person('One fact.', {
        params: idParams,
        querystring: factUser,
        response: { 200: factSchema },
        errors: notFound,
      }),
      ({ params, query }) => service.get(refOf(params, query)),
    );
    server.delete(
      '/memory/:id',
      declare.person('Forget a fact, for good.', {
        params: idParams,
        querystring: factUser,
        response: { 200: forgottenSchema },
        errors: notFound,
      }),
      ({ params, query }) => service.forget(refOf(params, query)),
    );
  };
