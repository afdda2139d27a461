/**
 * `POST /ask`: a question about the user's documents. As one JSON body or, with `accept: text/event-stream`, as a
 * stream.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import {
  askResultSchema,
  sseAskResponse,
  jsonAskResponse,
  type AskListener,
  type AskResult,
} from './ask-response.ts';
import { clientAbortSignal } from '../server/client-abort.ts';
import { normalizeRequestError } from '../server/problem-details.ts';
import {
  jsonOrEventStream,
  userIdSchema,
  declareRoutes,
  type RouteServer,
} from '../server/route-schemas.ts';

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

const askBody = z.object({
  query: z.string(),
  backend: z.string().max(256).nullable().default(null),
  user_id: userIdSchema,
});

const declare = declareRoutes('questions');

export const askRoutes =
  (options: AskRoutesOptions) =>
  (server: RouteServer): void => {
    server.post(
      '/ask',
      declare.person('A question to one’s documents.', {
        errors: askErrors,
        body: askBody,
        response: { 200: jsonOrEventStream(askResultSchema, streamCondition) },
      }),
      ({ body, headers }, reply) => {
        const { query, backend, user_id: userId } = body;
        const question = { query: validateQuery(query, options.queryCharsMax), backend, userId };
        const response = wantsStream(headers) ? sseAskResponse(reply) : jsonAskResponse(reply);
        return respond(reply, response, options.log, async (signal) => {
          const outcome = await options.ask(question, response, signal);
          return outcome.ok ? { ok: true, result: outcome } : outcome;
        });
      },
    );
  };

/** Of all routes that answer a question. */
export const askErrors = [
  'GH_REQUEST_EMPTY',
  'GH_REQUEST_TOO_LONG',
  'GH_BACKEND_UNKNOWN',
  'GH_BACKEND_BUSY',
  'GH_BACKEND_UNAVAILABLE',
] as const;
export const streamCondition = 'with `Accept: text/event-stream`';

export const wantsStream = ({ accept }: IncomingHttpHeaders): boolean =>
  accept?.includes('text/event-stream') === true;

/** Sends what `answer` resolves with; its signal aborts when the client disconnects. */
export async function respond<Result>(
  reply: FastifyReply,
  response: {
    finish(result: Result): void;
    /** @throws the error while it can still be sent as a status */
    fail(error: GatehouseError): void;
    close(): void;
  },
  log: Log,
  answer: (
    signal: AbortSignal,
  ) => Promise<{ ok: true; result: Result } | { ok: false; error: GatehouseError }>,
): Promise<void> {
  const clientAbort = clientAbortSignal(reply);
  try {
    const outcome = await answer(clientAbort);
    if (clientAbort.aborted) return reply;
    if (outcome.ok) response.finish(outcome.result);
    else response.fail(outcome.error);
  } catch (error) {
    const known = normalizeRequestError(error);
    // Once the stream is open, no error handler logs what is thrown.
    if (reply.sent && known.kind === 'bug') {
      log.error({ route: reply.request.routeOptions.url, error: messageOf(error) }, 'bug');
    }
    response.fail(known);
  } finally {
    response.close();
  }
  return reply;
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
