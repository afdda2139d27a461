/** Reports every request when it has ended, including refused requests and those whose client disconnected. */
import type { FastifyInstance } from 'fastify';

export interface FinishedRequest {
  method: string;
  /** The route's pattern with the names of its parameters; `none` where no route matched. */
  route: string;
  /** 499: the client disconnected before there was a status, as other servers log it. */
  status: number;
  ms: number;
  /** A stream: its duration depends on the client. */
  isStream: boolean;
}

declare module 'fastify' {
  interface FastifyReply {
    /** The framework sent the response as a whole (not a stream). */
    wasSent: boolean;
  }
}

/** Not defined by HTTP; nginx made it the usual status for a client that closed the connection. */
const clientClosedRequest = 499;

/** Must be registered before every other hook that may refuse requests. */
export function addFinishedRequestHook(
  server: FastifyInstance,
  onRequestFinished: (finished: FinishedRequest) => void,
): void {
  server.decorateReply('wasSent', false);
  server.addHook('onRequest', (request, reply, done) => {
    const beganAt = performance.now();
    const { method } = request;
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    // `close` always fires; `finish` does not where the client has disconnected.
    reply.raw.once('close', () => {
      onRequestFinished({
        method,
        route,
        // Until the headers have been sent, the status code is only the default.
        status: reply.raw.headersSent ? reply.raw.statusCode : clientClosedRequest,
        ms: performance.now() - beganAt,
        isStream: !reply.wasSent,
      });
    });
    done();
  });
  // A route that streams hijacks the reply, so this hook does not run.
  server.addHook('onSend', (_request, reply, _payload, done) => {
    reply.wasSent = true;
    done();
  });
}
