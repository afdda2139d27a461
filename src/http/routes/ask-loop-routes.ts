/** `POST /ask/react`: a model answers the question with tool calls of its own. As one JSON body or as a stream. */
import { z } from 'zod';
import type { GatehouseError } from '#shared/errors';
import type { Log } from '#shared/log';
import { askErrors, streamCondition, validateQuery, wantsStream } from './ask-routes.ts';
import { respond } from '../server/respond.ts';
import {
  jsonOrEventStream,
  userIdSchema,
  declareRoutes,
  type RouteServer,
} from '../server/route-schemas.ts';
import {
  askLoopResultSchema,
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

const askLoopBody = z.object({
  query: z.string(),
  debug: z.boolean().nullable().default(false),
  backend: z.string().max(256).nullable().default(null),
  user_id: userIdSchema,
});

const declare = declareRoutes('questions');

export const askLoopRoutes =
  ({ react, queryCharsMax, log }: AskLoopRoutesOptions) =>
  (server: RouteServer): void => {
    server.post(
      '/ask/react',
      declare.person('A question that a model answers by looking things up itself.', {
        errors: askErrors,
        body: askLoopBody,
        response: { 200: jsonOrEventStream(askLoopResultSchema, streamCondition) },
      }),
      ({ body, headers }, reply) => {
        const question = {
          query: validateQuery(body.query, queryCharsMax),
          debug: body.debug === true,
          backend: body.backend,
          userId: body.user_id,
        };
        const response = wantsStream(headers)
          ? sseAskLoopResponse(reply)
          : jsonAskLoopResponse(reply);
        return respond(reply, response, log, (signal) => react(question, response, signal));
      },
    );
  };
