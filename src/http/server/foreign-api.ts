/** What the APIs of other makers (OpenAI, Ollama, MCP) have in common: errors in their own format, and the end of the server. */
import type { FastifyReply } from 'fastify';
import { messageOf, type GatehouseError } from '#shared/errors';
import type { Log } from '#shared/log';
import { normalizeRequestError } from './problem-details.ts';
import type { RouteServer } from './route-schemas.ts';

/** @param send sends the error; the header `retry-after` is set already */
export function sendErrorsWith(
  scope: RouteServer,
  log: Log,
  send: (error: GatehouseError, reply: FastifyReply) => FastifyReply,
): void {
  scope.setErrorHandler((error, request, reply) => {
    const known = normalizeRequestError(error);
    if (known.kind === 'bug') {
      // The route, not the URL: URLs contain texts of users.
      log.error({ route: request.routeOptions.url, error: messageOf(error) }, 'bug');
    }
    if (known.retryAfterMs !== null) {
      void reply.header('retry-after', String(Math.ceil(known.retryAfterMs / 1000)));
    }
    return send(known, reply);
  });
}

/** Whether the server is closing: then a client that is disconnected has not left by itself. */
export function watchClosing(scope: RouteServer): () => boolean {
  let isClosing = false;
  scope.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  return () => isClosing;
}
