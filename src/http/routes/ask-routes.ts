/**
 * `POST /ask`: a question about the user's documents. As one JSON body or, with `accept: text/event-stream`, as a
 * stream.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { userRoute } from '../server/route-access.ts';
import {
  sseAskResponse,
  jsonAskResponse,
  type AskListener,
  type AskResult,
} from './ask-response.ts';
import { clientAbortSignal } from '../server/client-abort.ts';
import { parseInput, userIdSchema } from '../server/parse-input.ts';
import { normalizeRequestError } from '../server/problem-details.ts';

interface Question {
  query: string;
  userId: string;
  /** Null: the request names none. */
  backend: string | null;
}

export interface AskRoutesOptions {
  /** @throws GH_BACKEND_UNKNOWN */
  ask(
    question: Question,
    listener: AskListener,
    signal: AbortSignal,
  ): Promise<({ ok: true } & AskResult) | { ok: false; error: GatehouseError }>;
  /** Maximum length of the question, in characters. */
  queryCharsMax: number;
  log: Log;
}

export const askBody = z.object({
  query: z.string(),
  backend: z.string().max(256).nullable().default(null),
  user_id: userIdSchema,
});

export function askRoutes(options: AskRoutesOptions): (server: FastifyInstance) => void {
  return (server) => {
    server.post('/ask', userRoute, (request, reply) => handleAsk(options, request, reply));
  };
}

async function handleAsk(
  { ask, queryCharsMax, log }: AskRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const question = parseQuestion(request.body, queryCharsMax);
  const clientAbort = clientAbortSignal(reply);
  const wantsStream = request.headers.accept?.includes('text/event-stream') === true;
  const response = wantsStream ? sseAskResponse(reply) : jsonAskResponse(reply);
  try {
    const outcome = await ask(question, response, clientAbort);
    if (clientAbort.aborted) return reply;
    if (outcome.ok) response.finish(outcome);
    else response.fail(outcome.error);
  } catch (error) {
    const known = normalizeRequestError(error);
    // Once the stream is open, no error handler logs what is thrown.
    if (reply.sent && known.kind === 'bug') {
      log.error({ route: request.routeOptions.url, error: messageOf(error) }, 'bug');
    }
    response.fail(known);
  } finally {
    response.close();
  }
  return reply;
}

function parseQuestion(body: unknown, queryCharsMax: number): Question {
  const { query, backend, user_id } = parseInput(askBody, body);
  return { query: validateQuery(query, queryCharsMax), backend, userId: user_id };
}

/** Trims the question. @throws GH_REQUEST_EMPTY, GH_REQUEST_TOO_LONG */
export function validateQuery(query: string, queryCharsMax: number): string {
  const text = query.trim();
  if (text === '') throw new GatehouseError('GH_REQUEST_EMPTY', 'query: is empty');
  if (text.length > queryCharsMax) {
    throw new GatehouseError(
      'GH_REQUEST_TOO_LONG',
      `query: ${text.length} characters, ${queryCharsMax} at most`,
    );
  }
  return text;
}
