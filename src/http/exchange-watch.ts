/** Tells of every exchange when it is over: also of those that were refused, and of those whose client has gone. */
import type { FastifyInstance } from 'fastify';

export interface Exchange {
  method: string;
  /** As the route was written, with the names of its parameters; `none` where there is no such address. */
  route: string;
  /** 499: the client left before there was one, as other servers log it. */
  status: number;
  ms: number;
  /** It lasted as long as its reader liked. */
  isStream: boolean;
}

declare module 'fastify' {
  interface FastifyReply {
    /** As a whole, by the framework. */
    wasSent: boolean;
  }
}

/** Not in HTTP; nginx has made it the usual word for a client that closed the connection. */
const clientLeft = 499;

/** Must stand before every other hook that may refuse. */
export function watchExchanges(
  server: FastifyInstance,
  onExchange: (exchange: Exchange) => void,
): void {
  server.decorateReply('wasSent', false);
  server.addHook('onRequest', (request, reply, done) => {
    const beganAt = performance.now();
    const { method } = request;
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    // `close` comes always; `finish` not where the client has gone.
    reply.raw.once('close', () => {
      onExchange({
        method,
        route,
        // Until the head is out, the status of the response is only its default.
        status: reply.raw.headersSent ? reply.raw.statusCode : clientLeft,
        ms: performance.now() - beganAt,
        isStream: !reply.wasSent,
      });
    });
    done();
  });
  // A route that streams takes the connection into its own hands, and this never runs.
  server.addHook('onSend', (_request, reply, _payload, done) => {
    reply.wasSent = true;
    done();
  });
}
