/**
 * Who may use which route. A route says it with `config: { access }`; one that says nothing is the
 * operator's, so that a route that is new tomorrow shows nobody another person's texts.
 *
 * A1 A person's key acts for that person: `user_id` (and OpenAI's `user`) is filled in, and another one refused.
 * A2 What belongs to somebody else is answered like what is not there: its id tells nothing.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatehouseError } from '../lib/errors.ts';
import { isBridgeChannel } from '../contract/bridge-channels.ts';
import { fairTurn } from '../lib/fair-turns.ts';
import { operator, type Caller } from '../lib/key-ring.ts';
import { addressOf, personOf, type Limits } from './limits.ts';

/**
 * - `anyone`: also without a key
 * - `person`: every key; the route works for the user that the request names
 * - `job`: every key, of a person only for that person's jobs; the route has the parameter `id`
 * - `operator`: keys without a user
 */
type Access = 'anyone' | 'person' | 'job' | 'operator';

/** One route, and who may use it. */
export interface RouteView {
  method: string;
  path: string;
  /** Null: nothing is said, and it is the operator's. */
  access: Access | null;
}

/** For the routes: `server.get(path, person, handler)`. */
export const anyone = { config: { access: 'anyone' } } as const;
export const person = { config: { access: 'person' } } as const;
export const ownJob = { config: { access: 'job' } } as const;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    caller: Caller;
    /** Charges bytes of the answer to the caller; for answers that are sent in pieces. */
    countAnswer(this: void, bytes: number): void;
    /** Milliseconds until what was charged is paid for; 0: nothing is owed. */
    owedMs(this: void): number;
  }
}

/** Without a key: at routes for anyone. */
const nobody: Caller = { user: '' };

export interface AccessOptions {
  /** Who shows this key; null for nobody. Null as a whole where no key is needed. */
  callerOf: ((key: string) => Caller | null) | null;
  /** @throws GH_JOB_NOT_FOUND */
  ownerOf(jobId: string): Promise<string>;
  limits: Limits;
}

/** Guards all routes that are added after it; gives the list of them, which grows. */
export function guardRoutes(server: FastifyInstance, options: AccessOptions): RouteView[] {
  const routes: RouteView[] = [];
  server.addHook('onRoute', ({ method, url, config }) => {
    const access = config?.access ?? null;
    for (const one of [method].flat()) routes.push({ method: one, path: url, access });
  });
  server.decorateRequest('caller');
  server.decorateRequest('countAnswer');
  server.decorateRequest('owedMs');
  server.addHook('onRequest', (request, reply, done) => {
    try {
      request.caller = callerOf(request, reply, options);
      const who = countedAs(request, request.caller);
      request.countAnswer = counterOf(who, options.limits);
      request.owedMs = () => (who === null ? 0 : options.limits.owedMs(who));
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  server.addHook('preValidation', async (request) => {
    const { user } = request.caller;
    if (user === null || request.caller === nobody) return;
    const path = request.routeOptions.url ?? '';
    // A request without a body is that person's all the same.
    request.body ??= {};
    actFor(user, request.body, path);
    actFor(user, request.query, path);
    stayOutOfChats(request.body);
    // One read in each round of the event loop: many at once would hold up everybody else.
    if (request.method === 'GET' || request.method === 'HEAD') await fairTurn(user);
    if (accessOf(request) !== 'job') return;
    const { id } = request.params as { id: string };
    if ((await options.ownerOf(id)) !== user) throw new GatehouseError('GH_JOB_NOT_FOUND');
  });
  // What is sent as a whole; a list charges its slices itself.
  server.addHook('onSend', (request, _reply, payload, done) => {
    const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload);
    // An answer to a request without a right key comes before there is a counter.
    if (isWhole) request.countAnswer?.(Buffer.byteLength(payload));
    done();
  });
  return routes;
}

/** Less than a request's worth is carried on to the next piece of the same answer. */
function counterOf(who: string | null, limits: Limits): FastifyRequest['countAnswer'] {
  let rest = 0;
  return (bytes) => {
    if (who === null) return;
    rest += bytes;
    rest -= limits.spend(who, rest);
  };
}

const accessOf = (request: FastifyRequest): Access =>
  // An address without a route has no config of its own: with a key, everybody may hear that it is none.
  request.is404 ? 'person' : (request.routeOptions.config.access ?? 'operator');

function callerOf(
  request: FastifyRequest,
  reply: FastifyReply,
  { callerOf: find, limits }: AccessOptions,
): Caller {
  if (find === null) return operator;
  const access = accessOf(request);
  const [, key] = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  const caller = key === undefined ? null : find(key);
  if (key !== undefined) limits.checkKey(request.socket, caller, key);
  const who = countedAs(request, caller);
  if (who !== null) limits.enter(who, reply);
  if (caller === null) {
    if (access === 'anyone') return nobody;
    throw new GatehouseError('GH_REQUEST_UNAUTHORIZED');
  }
  if (access === 'operator' && caller.user !== null) {
    throw new GatehouseError('GH_REQUEST_FORBIDDEN');
  }
  return caller;
}

/** Under what name the request is counted; null: it is the operator's. */
export function countedAs(request: FastifyRequest, caller: Caller | null): string | null {
  if (caller === null || caller.user === '') return `address ${addressOf(request.socket)}`;
  return caller.user === null ? null : personOf(caller.user);
}

/** A message in a bridge's channel passes for one from the chat, and is answered there before everybody. */
function stayOutOfChats(body: unknown): void {
  if (typeof body !== 'object' || body === null) return;
  const { channel } = body as { channel?: unknown };
  if (isBridgeChannel(channel)) {
    throw new GatehouseError(
      'GH_REQUEST_FORBIDDEN',
      `channel: ${String(channel).slice(0, 64)} is served by a bridge; this key may not write there`,
    );
  }
}

function actFor(user: string, fields: unknown, path: string): void {
  if (typeof fields !== 'object' || fields === null) return;
  const named = fields as Record<string, unknown>;
  for (const name of path.startsWith('/v1/') ? ['user'] : ['user_id']) {
    const given = named[name] ?? user;
    if (given !== user) {
      throw new GatehouseError('GH_REQUEST_FORBIDDEN', `${name}: this key is for ${user} only`);
    }
    named[name] = user;
  }
}
