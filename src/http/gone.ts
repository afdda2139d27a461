/** Whether anybody still waits for an answer. */
import type { FastifyReply } from 'fastify';

/** Aborts when the client's connection has ended before its answer had. */
export function whenGone({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort('cancelled');
  });
  return controller.signal;
}
