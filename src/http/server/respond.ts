/** Sends the answer of a model: as a whole or as a stream, or the error in its place. */
import type { FastifyReply } from 'fastify';
import { messageOf, type GatehouseError } from '#shared/errors';
import type { Log } from '#shared/log';
import { normalizeRequestError } from './problem-details.ts';

interface ModelResponse<Result> {
  finish(result: Result): void;
  /** @throws the error while it can still be sent as a status. */
  fail(error: GatehouseError): void;
  /** Stops all timers. Idempotent. */
  close(): void;
}

/** @param answer its signal aborts when the client disconnects; then its result is not sent and may be null */
export async function respond<Result>(
  reply: FastifyReply,
  response: ModelResponse<Result>,
  log: Log,
  answer: (
    signal: AbortSignal,
  ) => Promise<{ ok: true; result: Result } | { ok: false; error: GatehouseError } | null>,
): Promise<void> {
  const clientAbort = clientAbortSignal(reply);
  try {
    const outcome = await answer(clientAbort);
    if (outcome === null || clientAbort.aborted) return reply;
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

/** Aborts when the client closes its connection before the response has ended. */
export function clientAbortSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort('cancelled');
  });
  return controller.signal;
}
