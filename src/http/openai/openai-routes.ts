/**
 * `/v1/…`: the OpenAI-compatible API. `model: "gatehouse"` is the assistant with all its tools; the id of a backend
 * selects that backend and no other (P9). Errors have OpenAI's format here (docs/openai-api.md).
 */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';
import type { IdSource } from '#shared/ids';
import { jsonOrEventStream, declareRoutes, type RouteServer } from '../server/route-schemas.ts';
import { bodyLimitOf, ofModels } from './completion-limits.ts';
import { sseCompletionResponse, jsonCompletionResponse } from './openai-response.ts';
import { answerCall, type CompletionParts } from './answer-call.ts';
import {
  assistantModel,
  chatModel,
  completionRequest,
  parseCompletionCall,
  type CompletionCall,
} from './openai-request.ts';
import { completionSchema, modelSchema, toOpenAiError } from './openai-shapes.ts';
import { sendErrorsWith, watchClosing } from '../server/foreign-api.ts';

export interface OpenAiOptions extends Omit<CompletionParts, 'isStopping'> {
  nextId: IdSource;
}

const declare = declareRoutes('questions');

export function openAiRoutes(options: OpenAiOptions): (server: RouteServer) => void {
  const routes = async (scope: RouteServer): Promise<void> => {
    const isStopping = watchClosing(scope);
    sendErrorsWith(scope, options.log, sendError);
    scope.setNotFoundHandler((_request, reply) =>
      sendError(new GatehouseError('GH_REQUEST_NOT_FOUND'), reply),
    );
    addModels(scope, options);
    scope.post(
      '/chat/completions',
      declare.person(
        'OpenAI’s shape: the assistant (`gatehouse`) or one model server by its id (docs/openai-api.md).',
        {
          body: completionRequest,
          response: { 200: jsonOrEventStream(completionSchema, 'with `stream: true`') },
          bodyLimit: bodyLimitOf(options.pictureLimits),
          errors: [...ofModels],
        },
      ),
      (request, reply) => {
        const call = parseCompletionCall(request.body, request.headers);
        return complete({ ...options, isStopping }, call, reply);
      },
    );
  };
  return (server) => void server.register(routes, { prefix: '/v1' });
}

function addModels(scope: RouteServer, options: OpenAiOptions): void {
  const startedAt = Math.floor(options.clock.now() / 1000);
  const models = (): z.infer<typeof modelSchema>[] =>
    [{ id: assistantModel }, ...options.models(), { id: chatModel }].map(({ id, ...about }) => ({
      id,
      object: 'model',
      created: startedAt,
      owned_by: 'gatehouse',
      gatehouse: about,
    }));
  scope.get(
    '/models',
    declare.person('What `model` may be.', {
      response: {
        200: z.strictObject({ object: z.literal('list'), data: z.array(modelSchema) }),
      },
    }),
    () => ({ object: 'list' as const, data: models() }),
  );
  scope.get(
    '/models/:model',
    declare.person('One of them.', {
      params: z.object({ model: z.string() }),
      response: { 200: modelSchema },
      errors: ['GH_REQUEST_NOT_FOUND'],
    }),
    (request) => {
      const model = models().find(({ id }) => id === request.params.model);
      if (model === undefined) throw new GatehouseError('GH_REQUEST_NOT_FOUND');
      return model;
    },
  );
}

function complete(
  options: OpenAiOptions & CompletionParts,
  call: CompletionCall,
  reply: FastifyReply,
): Promise<void> {
  const { clock, nextId } = options;
  const head = {
    id: `chatcmpl-${nextId()}`,
    model: call.model,
    created: Math.floor(clock.now() / 1000),
  };
  return answerCall(options, call, reply, () =>
    call.stream
      ? sseCompletionResponse(reply, head, call.includeUsage)
      : jsonCompletionResponse(reply, head),
  );
}

const sendError = (error: GatehouseError, reply: FastifyReply): FastifyReply =>
  reply.code(error.status).send(toOpenAiError(error));
