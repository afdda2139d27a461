/** `POST /ask`: a question to one's documents, answered whole or, with `accept: text/event-stream`, as it comes. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { person } from './access.ts';
import { streamedAsk, wholeAsk, type AskListener, type AskResult } from './ask-answer.ts';
import { whenGone } from './gone.ts';
import { readInput, userId } from './input.ts';
import { toGatehouseError } from './problem.ts';

interface Question {
  query: string;
  userId: string;
  /** Null: none was named. */
  backend: string | null;
}

export interface AskRoutesOptions {
  /** @throws GH_BACKEND_UNKNOWN */
  ask(
    question: Question,
    listener: AskListener,
    signal: AbortSignal,
  ): Promise<({ ok: true } & AskResult) | { ok: false; error: GatehouseError }>;
  /** Longest question, in characters. */
  queryCharsMax: number;
  log: Log;
}

export const askBody = z.object({
  query: z.string(),
  backend: z.string().max(256).nullable().default(null),
  user_id: userId,
});

export function askRoutes(options: AskRoutesOptions): (server: FastifyInstance) => void {
  return (server) => {
    server.post('/ask', person, (request, reply) => answer(options, request, reply));
  };
}

async function answer(
  { ask, queryCharsMax, log }: AskRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const question = readQuestion(request.body, queryCharsMax);
  const gone = whenGone(reply);
  const wantsStream = request.headers.accept?.includes('text/event-stream') === true;
  const answering = wantsStream ? streamedAsk(reply) : wholeAsk(reply);
  try {
    const outcome = await ask(question, answering, gone);
    if (gone.aborted) return reply;
    if (outcome.ok) answering.finish(outcome);
    else answering.fail(outcome.error);
  } catch (error) {
    const known = toGatehouseError(error);
    // Once the stream is open, nobody else looks at what is thrown.
    if (reply.sent && known.kind === 'bug') {
      log.error({ route: request.routeOptions.url, error: messageOf(error) }, 'bug');
    }
    answering.fail(known);
  } finally {
    answering.close();
  }
  return reply;
}

function readQuestion(body: unknown, queryCharsMax: number): Question {
  const { query, backend, user_id } = readInput(askBody, body);
  return { query: checkedQuery(query, queryCharsMax), backend, userId: user_id };
}

/** The question without the blanks around it. @throws GH_REQUEST_EMPTY, GH_REQUEST_TOO_LONG */
export function checkedQuery(query: string, queryCharsMax: number): string {
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
