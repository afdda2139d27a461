/**
 * The HTTP server: who may come in, how bodies are read, how errors look. The routes are in their own files.
 *
 * H1: without keys it serves loopback only, and only requests that name a loopback host: a page in the
 *     person's browser must not reach it through a name of its own (DNS rebinding) or by a cross-site post.
 * H2: a body is UTF-8 JSON whatever its content type says; everything else is a clear 400.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { sendProblem, toGatehouseError } from './problem.ts';

export interface ServerOptions {
  host: string;
  port: number;
  apiKeys: readonly string[];
  log: Log;
  /** Adds the routes. */
  routes: readonly ((server: FastifyInstance) => void)[];
}

export interface HttpServer {
  /** Where it listens, with the port that was really taken. */
  readonly url: string;
  close(): Promise<void>;
}

/** Leaves room for a message far over its limit to be told so (400); what is larger is cut off unread (413). */
const bodyBytesMax = 2 * 1024 * 1024;

/** @throws GH_CONFIG_INVALID for an open address without a key, GH_SERVER_PORT when it cannot listen. */
export async function startServer(options: ServerOptions): Promise<HttpServer> {
  const { host, port, apiKeys, log } = options;
  if (apiKeys.length === 0 && !isLoopback(host)) {
    throw new GatehouseError(
      'GH_CONFIG_INVALID',
      `server.host: ${host} is open to the network; set server.apiKeys first`,
    );
  }
  const server = fastify({
    bodyLimit: bodyBytesMax,
    requestTimeout: 30_000,
    forceCloseConnections: true,
    frameworkErrors(_error, _request, reply) {
      void sendProblem(reply, new GatehouseError('GH_REQUEST_NOT_FOUND'));
    },
    routerOptions: { maxParamLength: 128, ignoreTrailingSlash: true },
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, readJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  server.addHook('onRequest', (request, _reply, done) => {
    try {
      checkOrigin(request, apiKeys.length === 0);
      checkKey(request, apiKeys);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  server.setErrorHandler((error, request, reply) => {
    const known = toGatehouseError(error);
    if (known.kind === 'bug') log.error({ path: request.url, error: messageOf(error) }, 'bug');
    return sendProblem(reply, known);
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
    close: () => server.close(),
  };
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

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
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new GatehouseError('GH_REQUEST_NOT_JSON', undefined, { cause: error });
  }
}

function checkOrigin(request: FastifyRequest, isOpen: boolean): void {
  const host = request.headers.host ?? '';
  const { origin } = request.headers;
  if (isOpen && !isLoopback(host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'))) {
    throw new GatehouseError('GH_REQUEST_UNAUTHORIZED', 'Only loopback names are served');
  }
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw new GatehouseError('GH_REQUEST_UNAUTHORIZED', 'Requests from other sites are refused');
  }
}

function checkKey(request: FastifyRequest, apiKeys: readonly string[]): void {
  if (apiKeys.length === 0 || request.routeOptions.url === '/healthz') return;
  const [, given = ''] = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  // Every key is compared, each in constant time: the answer's time tells nothing about the keys.
  let isKnown = false;
  for (const key of apiKeys) if (timingSafeEqual(digest(key), digest(given))) isKnown = true;
  if (!isKnown) throw new GatehouseError('GH_REQUEST_UNAUTHORIZED');
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
