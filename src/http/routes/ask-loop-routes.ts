/** `POST /ask/react`: a model answers the question with tool calls of its own. As one JSON body or as a stream. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { userRoute } from '../server/route-access.ts';
import { validateQuery } from './ask-routes.ts';
import { clientAbortSignal } from '../server/client-abort.ts';
import { parseInput, userIdSchema } from '../server/parse-input.ts';
import { normalizeRequestError } from '../server/problem-details.ts';
import {
  sseAskLoopResponse,
  jsonAskLoopResponse,
  type AskLoopListener,
  type AskLoopResult,
} from './ask-loop-response.ts';

interface Question {
  query: string;
  userId: string;
  /** Null: the request names none. */
  backend: string | null;
  debug: boolean;
}

export interface AskLoopRoutesOptions {
  /** @throws GH_BACKEND_UNKNOWN */
  react(
    question: Question,
    listener: AskLoopListener,
    signal: AbortSignal,
  ): Promise<{ ok: true; result: AskLoopResult } | { ok: false; error: GatehouseError }>;
  /** Maximum length of the question, in characters. */
  queryCharsMax: number;
  log: Log;
}

export const askLoopBody = z.object({
  query: z.string(),
  debug: z.boolean().nullable().default(false),
  backend: z.string().max(256).nullable().default(null),
  user_id: userIdSchema,
});

export function askLoopRoutes(options: AskLoopRoutesOptions): (server: FastifyInstance) => void {
  return (server) => {
    server.post('/ask/react', userRoute, (request, reply) =>
      handleAskLoop(options, request, reply),
    );
  };
}

async function handleAskLoop(
  { react, queryCharsMax, log }: AskLoopRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { query, debug, backend, user_id } = parseInput(askLoopBody, request.body);
  const question = {
    query: validateQuery(query, queryCharsMax),
    debug: debug === true,
    backend,
    userId: user_id,
  };
  const clientAbort = clientAbortSignal(reply);
  const wantsStream = request.headers.accept?.includes('text/event-stream') === true;
  const response = wantsStream ? sseAskLoopResponse(reply) : jsonAskLoopResponse(reply);
  try {
    const outcome = await react(question, response, clientAbort);
    if (clientAbort.aborted) return reply;
    if (outcome.ok) response.finish(outcome.result);
    else response.fail(outcome.error);
  } catch (error) {
    const known = normalizeRequestError(error);
    // Once the stream is open, no error handler logs what is thrown.
    if (reply.sent && known.kind === 'bug') {
      log.error({ path: request.url, error: messageOf(error) }, 'bug');
    }
    response.fail(known);
  } finally {
    response.close();
  }
  return reply;
}
