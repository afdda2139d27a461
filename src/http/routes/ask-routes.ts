/**
 * `POST /ask`: a question about the user's documents. As one JSON body or, with `accept: text/event-stream`, as a
 * stream.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';
import type { Log } from '#shared/log';
import {
  askResultSchema,
  sseAskResponse,
  jsonAskResponse,
  type AskListener,
  type AskResult,
} from './ask-response.ts';
import { respond } from '../server/respond.ts';
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
