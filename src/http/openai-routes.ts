/**
 * `/v1/…`: the OpenAI-compatible door. `model: "gatehouse"` is the assistant with all it can do; the id of a
 * backend is that backend and no other (P9). Errors have OpenAI's shape here (docs/openai-api.md).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Backend } from '../contract/model.ts';
import type { Clock } from '../lib/clock.ts';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { IdSource } from '../lib/ids.ts';
import type { Log } from '../lib/log.ts';
import { person } from './access.ts';
import { whenGone } from './gone.ts';
import { streamedAnswer, wholeAnswer, type Answer } from './openai-answer.ts';
import { completeByBackend } from './openai-backend.ts';
import { completeByJob, type JobCompletion } from './openai-job.ts';
import { assistantModel, chatModel, readCall, type CompletionCall } from './openai-request.ts';
import { errorOf, type AnswerEnd } from './openai-shapes.ts';
import { toGatehouseError } from './problem.ts';

export interface OpenAiOptions extends Omit<JobCompletion, 'isStopping'> {
  /** The backend of this id. @throws GH_BACKEND_UNKNOWN */
  dispatch(name: string): Backend;
  /** The backend that has this role. */
  backendOf(role: 'classifier' | 'reasoner'): Backend;
  /** What else `GET /v1/models` tells of each backend; `id` is the name to ask for. */
  models(): ({ id: string } & Record<string, unknown>)[];
  clock: Clock;
  nextId: IdSource;
  log: Log;
}

type WithModel = { Params: { model: string } };

export function openAiRoutes(options: OpenAiOptions): (server: FastifyInstance) => void {
  const startedAt = Math.floor(options.clock.now() / 1000);
  const models = (): ({ id: string } & Record<string, unknown>)[] =>
    [{ id: assistantModel }, ...options.models(), { id: chatModel }].map(({ id, ...about }) => ({
      id,
      object: 'model',
      created: startedAt,
      owned_by: 'gatehouse',
      gatehouse: about,
    }));

  const routes = async (scope: FastifyInstance): Promise<void> => {
    let isStopping = false;
    scope.addHook('preClose', (done) => {
      isStopping = true;
      done();
    });
    scope.setErrorHandler((error, request, reply) => {
      const known = toGatehouseError(error);
      if (known.kind === 'bug') logBug(options.log, request, error);
      return sendError(reply, known);
    });
    scope.setNotFoundHandler((_request, reply) =>
      sendError(reply, new GatehouseError('GH_REQUEST_NOT_FOUND')),
    );
    scope.get('/models', person, () => ({ object: 'list', data: models() }));
    scope.get<WithModel>('/models/:model', person, (request) => {
      const model = models().find(({ id }) => id === request.params.model);
      if (model === undefined) throw new GatehouseError('GH_REQUEST_NOT_FOUND');
      return model;
    });
    scope.post('/chat/completions', person, (request, reply) =>
      complete({ ...options, isStopping: () => isStopping }, request, reply),
    );
  };
  return (server) => void server.register(routes, { prefix: '/v1' });
}

async function complete(
  options: OpenAiOptions & JobCompletion,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { clock, nextId } = options;
  const call = readCall(request.body, request.headers);
  const head = {
    id: `chatcmpl-${nextId()}`,
    model: call.model,
    created: Math.floor(clock.now() / 1000),
  };
  const gone = whenGone(reply);
  // Named before anything is sent: an unknown name is a 400 in every form of answer.
  const backend = backendOf(options, call);
  const answer = call.stream
    ? streamedAnswer(reply, head, call.includeUsage)
    : wholeAnswer(reply, head);
  try {
    await answerCall(options, { call, backend, answer, gone });
  } catch (error) {
    const known = toGatehouseError(error);
    // Once the stream is open, nobody else looks at what is thrown.
    if (reply.sent && known.kind === 'bug') logBug(options.log, request, error);
    answer.fail(known);
  } finally {
    answer.close();
  }
  return reply;
}

/** Null: a job answers. @throws GH_BACKEND_UNKNOWN naming every model there is */
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

interface Call {
  call: CompletionCall;
  /** Null: by a job. */
  backend: Backend | null;
  answer: Answer;
  gone: AbortSignal;
}

async function answerCall(options: JobCompletion, parts: Call): Promise<void> {
  const { call, backend, answer, gone } = parts;
  if (backend === null) {
    const end = await completeByJob(options, call, answer, gone);
    if (end !== null) answer.finish(withIgnored(end, call));
    return;
  }
  const result = await completeByBackend(backend, call, answer, gone);
  if (gone.aborted) return;
  if (result.ok) answer.finish(withIgnored(result.end, call));
  else answer.fail(result.error);
}

const withIgnored = (end: AnswerEnd, { ignored }: CompletionCall): AnswerEnd =>
  ignored.length === 0 ? end : { ...end, about: { ...end.about, ignored } };

const logBug = (log: Log, { routeOptions }: FastifyRequest, error: unknown): void =>
  log.error({ route: routeOptions.url, error: messageOf(error) }, 'bug');

function sendError(reply: FastifyReply, error: GatehouseError): FastifyReply {
  if (error.retryAfterMs !== null) {
    void reply.header('retry-after', String(Math.ceil(error.retryAfterMs / 1000)));
  }
  return reply.code(error.status).send(errorOf(error));
}
