/**
 * The HTTP server: access, body parsing, error responses. The routes are in their own files.
 *
 * H1: without keys it listens on loopback only and accepts only requests with a loopback Host: a page in the user's
 *     browser must not reach it through a host name of its own (DNS rebinding) or by a cross-site post.
 * H2: a body is UTF-8 JSON whatever its content type is; everything else gets a 400 with the reason.
 */
import { parseJsonWithoutNul, removeNul } from '#shared/text/remove-nul';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { createFairSlices, type FairSlices } from '#shared/fair-slices';
import { GatehouseError, messageOf } from '#shared/errors';
import { isTooDeep, jsonDepthMax } from '#shared/text/json-text';
import { createApiKeyAuthenticator, type ApiKey } from '#shared/api-keys';
import { isLoopback, isLoopbackHostHeader, withoutBrackets } from '#shared/loopback';
import type { Log } from '#shared/log';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { rateLimitKey, registerAuth, type AccessOptions } from './route-access.ts';
import {
  limitConnections,
  handleClientError,
  nodeServerOptions,
  defaultTimeouts,
  type ServerTimeouts,
} from './connection-limits.ts';
import { createRateLimiter, noLimits, type RateLimiter } from './rate-limiter.ts';
import { addFinishedRequestHook, type FinishedRequest } from './finished-request-hook.ts';
import { sendProblem, normalizeRequestError } from './problem-details.ts';
import { compileValidator, type RouteServer } from './route-schemas.ts';
import { createSite, isOriginOf, type Site } from './site.ts';
import { closeBoth, listenForOllama } from '../ollama/ollama-port.ts';
import type { IncomingMessage, Server } from 'node:http';

export interface ServerOptions {
  host: string;
  port: number;
  /** A second port, for clients of Ollama; null or absent: none. */
  ollamaPort?: number | null;
  apiKeys: readonly ApiKey[];
  /** The user of a job. @throws GH_JOB_NOT_FOUND */
  ownerOf(jobId: string): Promise<string>;
  /** Default: no limits. */
  limits?: RateLimiter;
  /** Where browsers see the server. Default: at its own address. */
  site?: Site;
  /** Default: no sessions. */
  sessions?: AccessOptions['sessions'];
  /** Shared with the other readers of the process. */
  slices?: FairSlices;
  bridgeChannels?: AccessOptions['bridgeChannels'];
  /** Maximum number of connections; 0 or absent: no limit. */
  connectionsMax?: number;
  /** For tests: timeouts for slow clients. */
  timeouts?: ServerTimeouts;
  log: Log;
  /** Called for every request when it has ended. */
  onRequestFinished?: (finished: FinishedRequest) => void;
  /** Adds the routes. */
  routes: readonly ((server: RouteServer) => void)[];
}

/** High enough that a message far over its limit gets a 400; larger bodies are refused unread (413). */
const bodyBytesMax = 2 * 1024 * 1024;

const createFastify = (timeouts: ServerTimeouts): RouteServer =>
  fastify({
    bodyLimit: bodyBytesMax,
    requestTimeout: timeouts.requestMs,
    http: nodeServerOptions(timeouts),
    clientErrorHandler: handleClientError,
    forceCloseConnections: true,
    frameworkErrors(_error, _request, reply) {
      void sendProblem(reply, new GatehouseError('GH_REQUEST_NOT_FOUND'));
    },
    routerOptions: { maxParamLength: 128, ignoreTrailingSlash: true },
  })
    .setValidatorCompiler(compileValidator)
    .setSerializerCompiler(() => JSON.stringify)
    .withTypeProvider<ZodTypeProvider>();

/** @throws GH_CONFIG_INVALID for an open address without a key, GH_SERVER_PORT when it cannot listen. */
export async function startServer(options: ServerOptions) {
  const {
    port,
    log,
    limits = createRateLimiter(noLimits),
    slices = createFairSlices(),
    site = createSite(),
    sessions = null,
    timeouts = defaultTimeouts,
  } = options;
  const host = withoutBrackets(options.host);
  const keys = createApiKeyAuthenticator(options.apiKeys);
  if (keys.hasNoKeys && !isLoopback(host)) {
    throw new GatehouseError(
      'GH_CONFIG_INVALID',
      `server.host: ${host} is open to the network; set server.apiKeys first`,
    );
  }
  const server = createFastify(timeouts);
  limitConnections(server.server, options.connectionsMax ?? 0);
  if (options.onRequestFinished !== undefined)
    addFinishedRequestHook(server, options.onRequestFinished);
  readInput(server, limits);
  server.addHook('onRequest', (request, _reply, done) => {
    try {
      checkOrigin(request, site, keys.hasNoKeys);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  const served = registerAuth(server, {
    ...options,
    limits,
    slices,
    site,
    sessions,
    authenticate: keys.hasNoKeys ? null : keys.authenticate,
  });
  server.setErrorHandler((error, request, reply) => {
    const known = normalizeRequestError(error);
    // The route, not the URL: URLs contain search texts of users.
    const route = request.routeOptions.url;
    if (known.kind === 'bug') log.error({ route, error: messageOf(error) }, 'bug');
    return sendError(known, request, reply);
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
  const second = await listenAgain(server, { ...options, host, timeouts });
  const address = server.server.address() as { port: number };
  return {
    /** The address it listens on, with the actual port. */
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    /** All routes with their access. */
    routes: served,
    close: (): Promise<void> =>
      second === null ? server.close() : closeBoth(second, () => server.close()),
  };
}
export type HttpServer = Awaited<ReturnType<typeof startServer>>;

/** Null: no second port is configured. */
async function listenAgain(
  server: RouteServer,
  {
    host,
    ollamaPort: port = null,
    timeouts,
    connectionsMax: max = 0,
  }: Pick<ServerOptions, 'host' | 'ollamaPort' | 'connectionsMax'> & { timeouts: ServerTimeouts },
): Promise<Server | null> {
  if (port === null) return null;
  try {
    return await listenForOllama(server, { host, port, timeouts, max });
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Bodies are JSON, whatever their type says; no text of a request has U+0000. */
function readInput(server: ReturnType<typeof createFastify>, limits: RateLimiter): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const who = rateLimitKey(request, request.caller);
      if (who !== null) limits.consumeBytes(who, body.length);
      done(null, parseJsonBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  server.addHook('preValidation', (request, _reply, done) => {
    request.query = removeNul(request.query);
    request.params = removeNul(request.params);
    done();
  });
}

/**
 * The rest of a body that is too large is read first: else the connection is reset and the client loses the response.
 */
async function sendError(
  error: GatehouseError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (error.code === 'GH_REQUEST_TOO_LARGE') await discardBody(request.raw);
  return sendProblem(reply, error);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function parseJsonBody(body: Buffer): unknown {
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
    value = parseJsonWithoutNul(text);
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

function checkOrigin({ raw, headers }: FastifyRequest, site: Site, isOpen: boolean): void {
  const { host = '', origin } = headers;
  if (isOpen && !isLoopbackHostHeader(host)) {
    throw new GatehouseError('GH_REQUEST_UNAUTHORIZED', 'Only loopback names are served');
  }
  const isAccepted = isOpen ? isOriginOf(host, origin) : site.isOriginAccepted(raw);
  if (!isAccepted) {
    throw new GatehouseError('GH_REQUEST_UNAUTHORIZED', 'Requests from other sites are refused');
  }
}

/** More than any body that is sent by mistake; above it the connection is reset. */
const bytesMax = 64 * 1024 * 1024;

/** Clients that wait for the response before they send the body get it after this time. */
const idleTimeoutMs = 1_000;

/** Resolves when the body has ended, when no more data arrives, or at the limit. */
function discardBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let bytes = 0;
    const finish = (): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', finish).off('close', finish).off('error', finish);
      // Later data is dropped, so it takes no memory and does not block the connection.
      request.resume();
      resolve();
    };
    const onData = (part: Buffer): void => {
      bytes += part.length;
      timer.refresh();
      if (bytes > bytesMax) finish();
    };
    const timer = setTimeout(finish, idleTimeoutMs);
    request.on('data', onData).on('end', finish).on('close', finish).on('error', finish);
    request.resume();
  });
}
