/**
 * Authorization per route. A route declares its access (`declareRoutes`); without a declaration it is for the
 * operator only, so that a new route cannot show one user's texts to another by mistake.
 *
 * A1 A user's key acts for that user: `user_id` (and OpenAI's `user`) is filled in, and another value is refused.
 * A2 Objects of other users get the same response as objects that do not exist: an id reveals nothing.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import { GatehouseError, type ErrorCode } from '#shared/errors';
import type { FairSlices } from '#shared/fair-slices';
import { operatorCaller, type Caller } from '#shared/api-keys';
import { addressOf, userLimitKey, type Peer, type RateLimiter } from './rate-limiter.ts';
import type { RequestSession, SessionAccess } from './session-access.ts';
import type { Site } from './site.ts';

/**
 * - `anyone`: also without a key
 * - `person`: every key; the route works for the user that the request names
 * - `job`: every key, a user's key only for that user's jobs; the route has the parameter `id`
 * - `operator`: keys without a user
 */
export type Access = 'anyone' | 'person' | 'job' | 'operator';

/** One route as it is declared. */
export interface RouteView {
  method: string;
  path: string;
  /** Null: not declared, so for the operator only. */
  access: Access | null;
  /** Error codes of this route, beside those of every route. */
  errors: readonly ErrorCode[];
  schema: FastifySchema;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    errors?: readonly ErrorCode[];
  }
  interface FastifyRequest {
    caller: Caller;
    /** Null: the request has a key, or nothing. */
    session: RequestSession | null;
    /** The client, behind a trusted proxy too. */
    peer: Peer;
    /** Charges response bytes to the caller; for responses that are sent in pieces. */
    chargeResponseBytes(this: void, bytes: number): void;
    /** Resolves when the caller may read the next slice of a long response. */
    waitForSlice(this: void): Promise<void>;
    /** Milliseconds until the debt is paid; 0: no debt. */
    owedMs(this: void): number;
  }
}

/** The caller without a key, on routes for `anyone`. */
const anonymousCaller: Caller = { user: '' };

export interface AccessOptions {
  /** The caller of a key; null for an unknown key. The function is null where no keys are configured. */
  authenticate: ((key: string) => Caller | null) | null;
  /** Null: no sessions. Not used where no keys are configured. */
  sessions: SessionAccess | null;
  site: Site;
  /** @throws GH_JOB_NOT_FOUND */
  ownerOf(jobId: string): Promise<string>;
  limits: RateLimiter;
  slices: FairSlices;
  /** Channels of bridges, in small letters. Default: none. */
  bridgeChannels?: readonly string[] | undefined;
}

/** Protects all routes that are added after it; returns the list of them, which grows. */
export function registerAuth(server: FastifyInstance, options: AccessOptions): RouteView[] {
  const routes: RouteView[] = [];
  server.addHook('onRoute', ({ method, url, config, schema = {} }) => {
    const { access = null, errors = [] } = config ?? {};
    for (const one of [method].flat()) {
      routes.push({ method: one, path: url, access, errors, schema });
    }
  });
  server.decorateRequest('caller');
  server.decorateRequest('session', null);
  server.decorateRequest('peer');
  server.decorateRequest('chargeResponseBytes');
  server.decorateRequest('owedMs');
  server.decorateRequest('waitForSlice');
  server.addHook('onRequest', async (request, reply) => {
    request.peer = options.site.peerOf(request.raw);
    admitCaller(request, reply, options, await identify(request, reply, options));
  });
  server.addHook('preValidation', async (request) => {
    const { user } = request.caller;
    if (user === null || request.caller === anonymousCaller) return;
    const path = request.routeOptions.url ?? '';
    // A request without a body must get the user id too.
    request.body ??= {};
    enforceUser(user, request.body, path);
    enforceUser(user, request.query, path);
    rejectBridgeChannels(request.body, options.bridgeChannels ?? []);
    // One read per round of the event loop: many at once would delay all other requests.
    if (request.method === 'GET' || request.method === 'HEAD') await options.slices.wait(user);
    if (accessOf(request) !== 'job') return;
    const { id } = request.params as { id: string };
    if ((await options.ownerOf(id)) !== user) throw new GatehouseError('GH_JOB_NOT_FOUND');
  });
  // Charges responses that are sent as a whole; a list charges its slices itself.
  server.addHook('onSend', (request, _reply, payload, done) => {
    const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload);
    // An answer to a request without a right key comes before there is a counter.
    if (isWhole) request.chargeResponseBytes?.(Buffer.byteLength(payload));
    done();
  });
  return routes;
}

/** A remainder below one request is carried over to the next piece of the same response. */
function createByteCounter(
  who: string | null,
  limits: RateLimiter,
): FastifyRequest['chargeResponseBytes'] {
  let rest = 0;
  return (bytes) => {
    if (who === null) return;
    rest += bytes;
    rest -= limits.chargeResponse(who, rest);
  };
}

const accessOf = (request: FastifyRequest): Access =>
  // An unknown path has no config: any key is enough for its 404.
  request.is404 ? 'person' : (request.routeOptions.config.access ?? 'operator');

interface Identified {
  /** Null: unknown. */
  caller: Caller | null;
  /** The key, or the cookie, that the client has sent. */
  key: string | undefined;
}

function identify(
  request: FastifyRequest,
  reply: FastifyReply,
  { authenticate, sessions }: AccessOptions,
): Identified | Promise<Identified> {
  if (authenticate === null) return { caller: operatorCaller, key: undefined };
  // What everybody may read does not depend on the cookie: pages open from a link on another page too.
  const isPublic = accessOf(request) === 'anyone' && ['GET', 'HEAD'].includes(request.method);
  if (!isPublic && sessions?.applies(request.raw) === true) {
    return findSession(request, reply, sessions);
  }
  const [, key] = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  return { caller: key === undefined ? null : authenticate(key), key };
}

/** @throws GH_SESSION_ORIGIN, GH_STORE_UNAVAILABLE */
async function findSession(
  request: FastifyRequest,
  reply: FastifyReply,
  sessions: SessionAccess,
): Promise<Identified> {
  const caller = await sessions.callerOf(request.raw);
  if (caller === null) {
    // Where no key is needed an old cookie is no guess: the page must open for a new sign-in.
    return { caller, key: accessOf(request) === 'anyone' ? undefined : request.headers.cookie };
  }
  const { session } = caller;
  request.session = session;
  const detach = sessions.attach(session.id, () => {
    // A response that has begun is a stream; the others were asked for while the session was valid.
    if (reply.raw.headersSent) reply.raw.destroy();
  });
  reply.raw.once('close', detach);
  if (session.isRenewed) {
    void reply.header('set-cookie', sessions.cookieFor(request.raw, session.token));
  }
  return { caller, key: session.token };
}

/**
 * Counts the request, and refuses what its caller may not use.
 * @throws GH_REQUEST_TOO_MANY, GH_REQUEST_UNAUTHORIZED, GH_REQUEST_FORBIDDEN
 */
function admitCaller(
  request: FastifyRequest,
  reply: FastifyReply,
  { authenticate, limits, slices }: AccessOptions,
  { caller, key }: Identified,
): void {
  if (authenticate !== null) {
    const access = accessOf(request);
    if (key !== undefined) limits.checkKey(request.peer, caller, key);
    const counted = rateLimitKey(request, caller);
    if (counted !== null) limits.acquire(counted, reply);
    if (caller === null && access !== 'anyone') {
      throw new GatehouseError('GH_REQUEST_UNAUTHORIZED');
    }
    if (access === 'operator' && caller?.user !== null) {
      throw new GatehouseError('GH_REQUEST_FORBIDDEN');
    }
  }
  request.caller = caller ?? anonymousCaller;
  const who = rateLimitKey(request, request.caller);
  request.chargeResponseBytes = createByteCounter(who, limits);
  request.waitForSlice = () => slices.wait(request.caller.user ?? '');
  request.owedMs = () => (who === null ? 0 : limits.owedMs(who));
}

/** The rate-limit key of the request; null: the operator, who is not limited. */
export function rateLimitKey(request: FastifyRequest, caller: Caller | null): string | null {
  if (caller === null || caller.user === '') return `address ${addressOf(request.peer)}`;
  return caller.user === null ? null : userLimitKey(caller.user);
}

/**
 * A message in a bridge's channel would pass for a chat message, and its answer would be posted in that chat. A second
 * bridge to a chat adds a suffix to the name: `synology-office`.
 */
function rejectBridgeChannels(body: unknown, names: readonly string[]): void {
  if (typeof body !== 'object' || body === null) return;
  const { channel } = body as { channel?: unknown };
  const [name] = typeof channel === 'string' ? channel.toLowerCase().split('-') : [];
  if (name !== undefined && names.includes(name)) {
    throw new GatehouseError(
      'GH_REQUEST_FORBIDDEN',
      `channel: ${String(channel).slice(0, 64)} is served by a bridge; this key may not write there`,
    );
  }
}

function enforceUser(user: string, fields: unknown, path: string): void {
  if (typeof fields !== 'object' || fields === null) return;
  const named = fields as Record<string, unknown>;
  for (const name of path.startsWith('/v1/') ? ['user'] : ['user_id']) {
    const given = named[name] ?? user;
    if (given !== user) {
      throw new GatehouseError('GH_REQUEST_FORBIDDEN', `${name}: this key is for ${user} only`);
    }
    // A message of JSON-RPC has no such field: the handler takes the caller.
    if (path !== '/mcp') named[name] = user;
  }
}
