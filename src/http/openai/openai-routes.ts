/**
 * `/v1/…`: the OpenAI-compatible API. `model: "gatehouse"` is the assistant with all its tools; the id of a backend
 * selects that backend and no other (P9). Errors have OpenAI's format here (docs/openai-api.md).
 */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Backend } from '#shared/model/model';
import type { Clock } from '#shared/clock';
import { GatehouseError, messageOf } from '#shared/errors';
import type { IdSource } from '#shared/ids';
import type { Log } from '#shared/log';
import { jsonOrEventStream, declareRoutes, type RouteServer } from '../server/route-schemas.ts';
import { respond } from '../server/respond.ts';
import { sseCompletionResponse, jsonCompletionResponse } from './openai-response.ts';
import { completeByBackend } from './openai-backend.ts';
import { completeByJob, type JobCompletion } from './openai-job.ts';
import {
  assistantModel,
  chatModel,
  completionRequest,
  parseCompletionCall,
  type CompletionCall,
} from './openai-request.ts';
import {
  completionSchema,
  modelSchema,
  toOpenAiError,
  type CompletionEnd,
} from './openai-shapes.ts';
import { normalizeRequestError } from '../server/problem-details.ts';

export interface OpenAiOptions extends Omit<JobCompletion, 'isStopping'> {
  /** The backend of this id. @throws GH_BACKEND_UNKNOWN */
  dispatch(name: string): Backend;
  /** The backend that has this role. */
  backendOf(role: 'classifier' | 'reasoner'): Backend;
  /** Extra fields of each backend in `GET /v1/models`; `id` is the model name to request. */
  models(): ({ id: string } & Record<string, unknown>)[];
  clock: Clock;
  nextId: IdSource;
  log: Log;
}

const declare = declareRoutes('questions');

export function openAiRoutes(options: OpenAiOptions): (server: RouteServer) => void {
  const routes = async (scope: RouteServer): Promise<void> => {
    let isStopping = false;
    scope.addHook('preClose', (done) => {
      isStopping = true;
      done();
    });
    scope.setErrorHandler((error, request, reply) => {
      const known = normalizeRequestError(error);
      if (known.kind === 'bug') {
        const route = request.routeOptions.url;
        options.log.error({ route, error: messageOf(error) }, 'bug');
      }
      return sendError(reply, known);
    });
    scope.setNotFoundHandler((_request, reply) =>
      sendError(reply, new GatehouseError('GH_REQUEST_NOT_FOUND')),
    );
    addModels(scope, options);
    scope.post(
      '/chat/completions',
      declare.person(
        'OpenAI’s shape: the assistant (`gatehouse`) or one model server by its id (docs/openai-api.md).',
        {
          body: completionRequest,
          response: { 200: jsonOrEventStream(completionSchema, 'with `stream: true`') },
          errors: ['GH_REQUEST_EMPTY', 'GH_BACKEND_UNKNOWN', 'GH_BACKEND_UNAVAILABLE'],
        },
      ),
      (request, reply) => {
        const call = parseCompletionCall(request.body, request.headers);
        return complete({ ...options, isStopping: () => isStopping }, call, reply);
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
  options: OpenAiOptions & JobCompletion,
  call: CompletionCall,
  reply: FastifyReply,
): Promise<void> {
  const { clock, nextId, log } = options;
  const head = {
    id: `chatcmpl-${nextId()}`,
    model: call.model,
    created: Math.floor(clock.now() / 1000),
  };
  // Resolved before anything is sent: an unknown name is a 400 for streams too.
  const backend = backendOf(options, call);
  const response = call.stream
    ? sseCompletionResponse(reply, head, call.includeUsage)
    : jsonCompletionResponse(reply, head);
  return respond(reply, response, log, async (signal) => {
    if (backend === null) {
      const end = await completeByJob(options, call, response, signal);
      return end === null ? null : { ok: true, result: withIgnored(end, call) };
    }
    const outcome = await completeByBackend(backend, call, response, signal);
    return outcome.ok ? { ok: true, result: withIgnored(outcome.end, call) } : outcome;
  });
}

/** Null: a job answers. @throws GH_BACKEND_UNKNOWN with the names of all models */
function backendOf(options: OpenAiOptions, { model, isTask }: CompletionCall): Backend | null {
  if (isTask) return options.backendOf('classifier');
  if (model === assistantModel) return null;
  if (model === chatModel) return options.backendOf('reasoner');
  try {
    return options.dispatch(model);
  } catch (error) {
    if (!(error instanceof GatehouseError) || error.code !== 'GH_BACKEND_UNKNOWN') throw error;
    const known = [assistantModel, ...options.models().map(({ id }) => id), chatModel].join(', ');
    const asked = JSON.stringify(model.slice(0, 64));
    const message = `There is no model ${asked}; there are: ${known}`;
    throw new GatehouseError('GH_BACKEND_UNKNOWN', message, { cause: error });
  }
}

const withIgnored = (end: CompletionEnd, { ignored }: CompletionCall): CompletionEnd =>
  ignored.length === 0 ? end : { ...end, about: { ...end.about, ignored } };

function sendError(reply: FastifyReply, error: GatehouseError): FastifyReply {
  if (error.retryAfterMs !== null) {
    void reply.header('retry-after', String(Math.ceil(error.retryAfterMs / 1000)));
  }
  return reply.code(error.status).send(toOpenAiError(error));
}
