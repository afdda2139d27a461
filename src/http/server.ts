/**
 * The HTTP server: who may come in, how bodies are read, how errors look. The routes are in their own files.
 *
 * H1: without keys it serves loopback only, and only requests that name a loopback host: a page in the
 *     person's browser must not reach it through a name of its own (DNS rebinding) or by a cross-site post.
 * H2: a body is UTF-8 JSON whatever its content type says; everything else is a clear 400.
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import { isTooDeep, jsonDepthMax } from '../lib/json-depth.ts';
import { createKeyRing, type ApiKey } from '../lib/key-ring.ts';
import { isLoopback, isLoopbackHostHeader, withoutBrackets } from '../lib/loopback.ts';
import type { Log } from '../lib/log.ts';
import { countedAs, guardRoutes, type RouteView } from './access.ts';
import {
  boundConnections,
  refuseBytes,
  serverTimes,
  usualPatience,
  type Patience,
} from './connections.ts';
import { createLimits, noLimits, type Limits } from './limits.ts';
import { watchExchanges, type Exchange } from './exchange-watch.ts';
import { sendProblem, toGatehouseError } from './problem.ts';
import { readAway } from './read-away.ts';

export interface ServerOptions {
  host: string;
  port: number;
  apiKeys: readonly ApiKey[];
  /** Whose job it is. @throws GH_JOB_NOT_FOUND */
  ownerOf(jobId: string): Promise<string>;
  /** Left out: none. */
  limits?: Limits;
  /** Connections at once; left out or 0: as many as the machine has room for. */
  connectionsMax?: number;
  /** For tests: how slow a client may be. */
  patience?: Patience;
  log: Log;
  /** Told of every exchange when it is over. */
  onExchange?: (exchange: Exchange) => void;
  /** Adds the routes. */
  routes: readonly ((server: FastifyInstance) => void)[];
}

export interface HttpServer {
  /** Where it listens, with the port that was really taken. */
  readonly url: string;
  /** What is served, and for whom. */
  readonly routes: readonly RouteView[];
  close(): Promise<void>;
}

/** Leaves room for a message far over its limit to be told so (400); what is larger is cut off unread (413). */
const bodyBytesMax = 2 * 1024 * 1024;

/** @throws GH_CONFIG_INVALID for an open address without a key, GH_SERVER_PORT when it cannot listen. */
export async function startServer(options: ServerOptions): Promise<HttpServer> {
  const { port, log, limits = createLimits(noLimits), patience = usualPatience } = options;
  const host = withoutBrackets(options.host);
  const keys = createKeyRing(options.apiKeys);
  if (keys.isOpen && !isLoopback(host)) {
    throw new GatehouseError(
      'GH_CONFIG_INVALID',
      `server.host: ${host} is open to the network; set server.apiKeys first`,
    );
  }
  const server = fastify({
    bodyLimit: bodyBytesMax,
    requestTimeout: patience.requestMs,
    http: serverTimes(patience),
    clientErrorHandler: refuseBytes,
    forceCloseConnections: true,
    frameworkErrors(_error, _request, reply) {
      void sendProblem(reply, new GatehouseError('GH_REQUEST_NOT_FOUND'));
    },
    routerOptions: { maxParamLength: 128, ignoreTrailingSlash: true },
  });
  boundConnections(server.server, options.connectionsMax ?? 0);
  if (options.onExchange !== undefined) watchExchanges(server, options.onExchange);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const who = countedAs(request, request.caller);
      if (who !== null) limits.charge(who, body.length);
      done(null, readJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  server.addHook('onRequest', (request, _reply, done) => {
    try {
      checkOrigin(request, keys.isOpen);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  const served = guardRoutes(server, {
    ...options,
    limits,
    callerOf: keys.isOpen ? null : keys.callerOf,
  });
  server.setErrorHandler((error, request, reply) => {
    const known = toGatehouseError(error);
    // The route, not the address: what people search for stands in addresses.
    const route = request.routeOptions.url;
    if (known.kind === 'bug') log.error({ route, error: messageOf(error) }, 'bug');
    return answered(known, request, reply);
  });
  server.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, new GatehouseError('GH_REQUEST_NOT_FOUND')),
  );
  for (const add of options.routes) add(server);
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    const why = (error as { code?: string }).code === 'EADDRINUSE' ? 'is in use' : messageOf(error);
    throw new GatehouseError('GH_SERVER_PORT', `${host}:${port} ${why}`, { cause: error });
  }
  const address = server.server.address() as { port: number };
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    routes: served,
    close: () => server.close(),
  };
}

/** What is too large is read to its end first, or the answer is lost with the connection. */
async function answered(
  error: GatehouseError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (error.code === 'GH_REQUEST_TOO_LARGE') await readAway(request.raw);
  return sendProblem(reply, error);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function readJson(body: Buffer): unknown {
  let text: string;
  try {
    text = decoder.decode(body);
  } catch (error) {
    throw new GatehouseError('GH_REQUEST_NOT_JSON', 'The body is not valid UTF-8', {
      cause: error,
    });
  }
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch (error) {
    throw new GatehouseError('GH_REQUEST_NOT_JSON', undefined, { cause: error });
  }
  if (isTooDeep(value)) {
    throw new GatehouseError(
      'GH_REQUEST_INVALID',
      `The body is nested more than ${jsonDepthMax} levels deep`,
    );
  }
  return value;
}

function checkOrigin(request: FastifyRequest, isOpen: boolean): void {
  const host = request.headers.host ?? '';
  const { origin } = request.headers;
  if (isOpen && !isLoopbackHostHeader(host)) {
    throw new GatehouseError('GH_REQUEST_UNAUTHORIZED', 'Only loopback names are served');
  }
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw new GatehouseError('GH_REQUEST_UNAUTHORIZED', 'Requests from other sites are refused');
  }
}
