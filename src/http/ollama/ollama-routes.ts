/**
 * `/api/…`: the API of Ollama, for programs that speak only this one. The models are those of the OpenAI-compatible API,
 * and so is everything behind the format (docs/ollama-api.md).
 */
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';
import { assistantModel, chatModel, type CompletionCall } from '../openai/openai-request.ts';
import { answerCall, type CompletionParts } from '../openai/answer-call.ts';
import { bodyLimitOf, ofModels } from '../openai/completion-limits.ts';
import { fieldError } from '../openai/openai-fields.ts';
import { sendErrorsWith, watchClosing } from '../server/foreign-api.ts';
import { clientAbortSignal } from '../server/respond.ts';
import { declareRoutes, textResponse, type RouteServer } from '../server/route-schemas.ts';
import {
  chatBody,
  generateBody,
  modelOf as nameOf,
  parseChat,
  parseGenerate,
} from './ollama-request.ts';
import { createOllamaResponse, loadedOf, type OllamaForm } from './ollama-response.ts';
import {
  chunkSchema,
  embedSchema,
  modelOf,
  ollamaErrorSchema,
  psSchema,
  showSchema,
  tagsSchema,
  toOllamaError,
} from './ollama-shapes.ts';
import type { FastifyReply } from 'fastify';

export interface OllamaOptions extends Omit<CompletionParts, 'isStopping'> {
  /** Null: no embeddings server is configured. */
  embeddings: EmbeddingPort | null;
}

/** Vectors of texts. Closed with the server. */
export interface EmbeddingPort {
  model: string;
  embed(texts: readonly string[], signal: AbortSignal): Promise<EmbedOutcome>;
  close(): Promise<void>;
}

type EmbedOutcome =
  | { ok: true; vectors: readonly (readonly number[])[] }
  | { ok: false; reason: string };

/**
 * The version of Ollama whose API this is. Clients compare it with the oldest that they support, so the version of
 * Gatehouse would be refused.
 */
export const ollamaVersion = '0.12.6';

const declare = declareRoutes('questions');

const jsonOrLines = {
  description: 'Done. application/x-ndjson: unless `stream` is false',
  content: {
    'application/json': { schema: chunkSchema },
    ...textResponse('application/x-ndjson').content,
  },
};

export function ollamaRoutes(options: OllamaOptions): (server: RouteServer) => void {
  const routes = async (scope: RouteServer): Promise<void> => {
    sendErrorsWith(scope, options.log, sendError);
    scope.setNotFoundHandler((_request, reply) =>
      sendError(new GatehouseError('GH_REQUEST_NOT_FOUND'), reply),
    );
    scope.addHook('onClose', async () => options.embeddings?.close());
    const parts = { ...options, isStopping: watchClosing(scope) };
    addAnswers(scope, parts);
    addModels(scope, parts);
    addEmbeddings(scope, parts);
    addRefusals(scope);
  };
  return (server) => void server.register(routes, { prefix: '/api' });
}

/** Clients of Ollama know an unknown model by 404. */
const sendError = (error: GatehouseError, reply: FastifyReply): FastifyReply =>
  reply
    .code(error.code === 'GH_BACKEND_UNKNOWN' ? 404 : error.status)
    .send(toOllamaError(withOwnFields(error, reply.request.routeOptions.url ?? '')));

/** A picture is a part of the content only behind this API; here it has a field of its own. */
function withOwnFields(error: GatehouseError, route: string): GatehouseError {
  const { code, message } = error;
  if (code !== 'GH_PICTURE_REFUSED' && code !== 'GH_BACKEND_NO_VISION') return error;
  const field = route.endsWith('/generate') ? 'images' : '$1.images';
  return new GatehouseError(code, message.replace(/^(messages\.\d+)\.content/, field));
}

function addAnswers(scope: RouteServer, parts: OllamaOptions & CompletionParts): void {
  const answer = (
    call: CompletionCall | null,
    name: string,
    form: OllamaForm,
    reply: FastifyReply,
  ): Promise<void | ReturnType<typeof loadedOf>> => {
    const head = { model: name, form, clock: parts.clock };
    if (call !== null) {
      return answerCall(parts, call, reply, () => createOllamaResponse(reply, head, call.stream));
    }
    requireModel(parts, name);
    return Promise.resolve(loadedOf(head));
  };
  const bodyLimit = bodyLimitOf(parts.pictureLimits);
  scope.post(
    '/chat',
    declare.person(
      'Ollama’s chat: the assistant, or one model server by its id (docs/ollama-api.md).',
      {
        body: chatBody,
        response: { 200: jsonOrLines },
        errors: ofModels,
        bodyLimit,
      },
    ),
    ({ body, headers }, reply) => answer(parseChat(body, headers), body.model, 'chat', reply),
  );
  scope.post(
    '/generate',
    declare.person('Ollama’s answer to one prompt.', {
      body: generateBody,
      response: { 200: jsonOrLines },
      errors: ofModels,
      bodyLimit,
    }),
    ({ body, headers }, reply) =>
      answer(parseGenerate(body, headers), body.model, 'generate', reply),
  );
}

const allModels = ({ models }: CompletionParts): ({ id: string } & Record<string, unknown>)[] => [
  { id: assistantModel },
  ...models(),
  { id: chatModel },
];

function requireModel(
  parts: CompletionParts,
  name: string,
): { id: string } & Record<string, unknown> {
  const found = allModels(parts).find(({ id }) => id === nameOf(name));
  if (found !== undefined) return found;
  const asked = JSON.stringify(name.slice(0, 64));
  throw new GatehouseError('GH_BACKEND_UNKNOWN', `model ${asked} not found`);
}

function addModels(scope: RouteServer, parts: CompletionParts): void {
  const startedAt = new Date(parts.clock.now()).toISOString();
  const body = z.looseObject({
    model: z.string().min(1).max(128).optional(),
    name: z.string().min(1).max(128).optional(),
  });
  scope.get(
    '/tags',
    declare.person('The models, in Ollama’s form.', { response: { 200: tagsSchema } }),
    () => ({
      models: allModels(parts).map(({ id, ...about }) => ({
        ...modelOf(id, about),
        modified_at: startedAt,
        gatehouse: about,
      })),
    }),
  );
  scope.get(
    '/ps',
    declare.person('The models that can answer now.', { response: { 200: psSchema } }),
    () => ({
      models: parts
        .models()
        .filter(({ healthy }) => healthy !== false)
        .map(({ id, ...about }) => ({
          ...modelOf(id, about),
          expires_at: '9999-12-31T23:59:59Z',
          size_vram: 0,
          context_length: 0,
        })),
    }),
  );
  scope.post(
    '/show',
    declare.person('One model.', {
      body,
      response: { 200: showSchema },
      errors: ['GH_BACKEND_UNKNOWN'],
    }),
    (request) => {
      const { model, name = model } = request.body;
      if (name === undefined) throw fieldError('model', 'is missing');
      const { id, ...about } = requireModel(parts, name);
      const { details } = modelOf(id, about);
      return {
        modelfile: '',
        parameters: '',
        template: '',
        details,
        model_info: { 'general.architecture': details.family },
        capabilities: ['completion', 'tools', ...(about['vision'] === true ? ['vision'] : [])],
        modified_at: startedAt,
      };
    },
  );
  scope.get(
    '/version',
    declare.person('The version of Ollama whose API this is.', {
      response: { 200: z.strictObject({ version: z.string() }) },
    }),
    () => ({ version: ollamaVersion }),
  );
}

/** More would hold the embeddings server for minutes. */
const embedTextsMax = 256;

function addEmbeddings(scope: RouteServer, parts: OllamaOptions): void {
  const embed = async (
    name: string,
    texts: readonly string[],
    reply: FastifyReply,
  ): Promise<readonly (readonly number[])[]> => {
    const { embeddings } = parts;
    if (embeddings === null || nameOf(name) !== nameOf(embeddings.model)) {
      const known = embeddings?.model ?? 'none: configure search.embeddings';
      const asked = JSON.stringify(name.slice(0, 64));
      throw new GatehouseError(
        'GH_BACKEND_UNKNOWN',
        `There are no embeddings of ${asked}; there are: ${known}`,
      );
    }
    if (texts.length > embedTextsMax) throw fieldError('input', `at most ${embedTextsMax} texts`);
    const outcome = await embeddings.embed(texts, clientAbortSignal(reply));
    if (outcome.ok) return outcome.vectors;
    throw new GatehouseError('GH_BACKEND_UNAVAILABLE', `embeddings: ${outcome.reason}`);
  };
  const model = z.string().min(1).max(128);
  scope.post(
    '/embed',
    declare.person('Vectors of texts, from the configured embeddings server.', {
      body: z.looseObject({ model, input: z.union([z.string(), z.array(z.string())]) }),
      response: { 200: embedSchema },
      errors: ['GH_BACKEND_UNKNOWN', 'GH_BACKEND_UNAVAILABLE'],
    }),
    async ({ body }, reply) => {
      const from = parts.clock.now();
      const embeddings = await embed(body.model, [body.input].flat(), reply);
      return {
        model: body.model,
        embeddings: embeddings as number[][],
        total_duration: Math.round((parts.clock.now() - from) * 1e6),
        load_duration: 0,
      };
    },
  );
  scope.post(
    '/embeddings',
    declare.person('The older form of it, for one text.', {
      body: z.looseObject({ model, prompt: z.string() }),
      response: { 200: z.strictObject({ embedding: z.array(z.number()) }) },
      errors: ['GH_BACKEND_UNKNOWN', 'GH_BACKEND_UNAVAILABLE'],
    }),
    async ({ body }, reply) => {
      const [embedding] = await embed(body.model, [body.prompt], reply);
      return { embedding: [...embedding!] };
    },
  );
}

/** Operations on the files of models, which belong to the model servers. */
const refused = [
  ['POST', '/pull'],
  ['POST', '/push'],
  ['POST', '/create'],
  ['POST', '/copy'],
  ['DELETE', '/delete'],
  ['POST', '/blobs/:digest'],
] as const;

function addRefusals(scope: RouteServer): void {
  for (const [method, url] of refused) {
    scope.route({
      method,
      url,
      ...declare.person('Refused: the files of models belong to the model servers.', {
        response: { 400: ollamaErrorSchema },
      }),
      handler: () => {
        const name = url.split('/')[1]!;
        throw fieldError(
          name,
          'the files of models belong to the model servers; see GET /api/tags',
        );
      },
    });
  }
}
