/** `POST /ask/react`: a question that a model answers by looking things up itself; whole, or as it comes. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type GatehouseError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { person } from './access.ts';
import { checkedQuery } from './ask-routes.ts';
import { whenGone } from './gone.ts';
import { readInput, userId } from './input.ts';
import { toGatehouseError } from './problem.ts';
import { streamedReact, wholeReact, type ReactListener, type ReactResult } from './react-answer.ts';

interface Question {
  query: string;
  userId: string;
  /** Null: none was named. */
  backend: string | null;
  debug: boolean;
}

export interface ReactRoutesOptions {
  /** @throws GH_BACKEND_UNKNOWN */
  react(
    question: Question,
    listener: ReactListener,
    signal: AbortSignal,
  ): Promise<{ ok: true; result: ReactResult } | { ok: false; error: GatehouseError }>;
  /** Longest question, in characters. */
  queryCharsMax: number;
  log: Log;
}

export const reactBody = z.object({
  query: z.string(),
  debug: z.boolean().nullable().default(false),
  backend: z.string().max(256).nullable().default(null),
  user_id: userId,
});

export function reactRoutes(options: ReactRoutesOptions): (server: FastifyInstance) => void {
  return (server) => {
    server.post('/ask/react', person, (request, reply) => answer(options, request, reply));
  };
}

async function answer(
  { react, queryCharsMax, log }: ReactRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { query, debug, backend, user_id } = readInput(reactBody, request.body);
  const question = {
    query: checkedQuery(query, queryCharsMax),
    debug: debug === true,
    backend,
    userId: user_id,
  };
  const gone = whenGone(reply);
  const wantsStream = request.headers.accept?.includes('text/event-stream') === true;
  const answering = wantsStream ? streamedReact(reply) : wholeReact(reply);
  try {
    const outcome = await react(question, answering, gone);
    if (gone.aborted) return reply;
    if (outcome.ok) answering.finish(outcome.result);
    else answering.fail(outcome.error);
  } catch (error) {
    const known = toGatehouseError(error);
    // Once the stream is open, nobody else looks at what is thrown.
    if (reply.sent && known.kind === 'bug') {
      log.error({ path: request.url, error: messageOf(error) }, 'bug');
    }
    answering.fail(known);
  } finally {
    answering.close();
  }
  return reply;
}
