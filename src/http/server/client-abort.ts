/** Detects clients that disconnect. */
import type { FastifyReply } from 'fastify';

/** Aborts when the client closes its connection before the response has ended. */
export function clientAbortSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort('cancelled');
  });
  return controller.signal;
}
