/**
 * `/session`, `/sessions…`, `/invites`: signing in a browser by a key or a one-time code. The token of a session is in a
 * cookie only: no response, no address and no log has it.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ApiKeyAuthenticator } from '#shared/api-keys';
import { GatehouseError } from '#shared/errors';
import { qrSvg } from '#shared/qr-code';
import {
  inviteBody,
  inviteSchema,
  sessionListQuery,
  sessionOwner,
  sessionPageSchema,
  sessionSchema,
  signInBody,
  type SessionService,
  type SessionView,
  type SignedInView,
} from '#shared/wire/session-service';
import type { RateLimiter } from '../server/rate-limiter.ts';
import { declareRoutes, idParams, type RouteServer } from '../server/route-schemas.ts';
import type { SessionAccess } from '../server/session-access.ts';
import type { Site } from '../server/site.ts';

export interface SessionRoutesOptions {
  service: SessionService;
  access: SessionAccess;
  site: Site;
  keys: ApiKeyAuthenticator;
  limits: RateLimiter;
}

const declare = declareRoutes('session');

const noContent = z.null();

export const sessionRoutes =
  (options: SessionRoutesOptions) =>
  (server: RouteServer): void => {
    addSession(server, options);
    addSessions(server, options);
  };

function addSession(server: RouteServer, options: SessionRoutesOptions): void {
  const { service, access, site, keys } = options;
  server.post(
    '/session',
    declare.anyone('Sign a browser in, by a key or an invite code. The answer sets a cookie.', {
      body: signInBody,
      response: { 200: sessionSchema },
      errors: ['GH_SESSION_CODE', 'GH_SESSION_ORIGIN', 'GH_SESSION_NO_KEYS'],
    }),
    async (request, reply) => {
      // Another page must not sign its visitor in as somebody else.
      if (site.isFromOtherPage(request.raw)) throw new GatehouseError('GH_SESSION_ORIGIN');
      if (keys.hasNoKeys) throw new GatehouseError('GH_SESSION_NO_KEYS');
      const { id, token, view } = await signIn(request, options);
      const earlier = request.session;
      if (earlier !== null && earlier.id !== id) await endQuietly(service, earlier.id);
      setCookie(reply, access.cookieFor(request.raw, token));
      return sent(reply, view);
    },
  );
  server.get(
    '/session',
    declare.person('Who the cookie or the key of the request stands for.', {
      response: { 200: sessionSchema },
    }),
    async (request, reply) => {
      const { caller, session } = request;
      const view = service.describe(caller.user);
      if (keys.hasNoKeys) return sent(reply, { ...view, open: true });
      if (session === null) return sent(reply, view);
      setCookie(reply, access.cookieFor(request.raw, session.token));
      return sent(reply, { ...view, expires_at: new Date(session.expiresAt).toISOString() });
    },
  );
  server.delete(
    '/session',
    declare.anyone('End the session of the cookie, and remove the cookie.', {
      response: { 204: noContent },
      errors: ['GH_SESSION_ORIGIN'],
    }),
    async (request, reply) => {
      if (site.isFromOtherPage(request.raw)) throw new GatehouseError('GH_SESSION_ORIGIN');
      if (request.session !== null) await endQuietly(service, request.session.id);
      setCookie(reply, access.cookieFor(request.raw, null));
      return reply.code(204).send(null);
    },
  );
}

/** In place of the renewed cookie of the request. */
const setCookie = (reply: FastifyReply, cookie: string): void =>
  void reply.removeHeader('set-cookie').header('set-cookie', cookie);

/** An answer about the person is never kept by a cache between. */
const sent = (reply: FastifyReply, view: SessionView): SessionView => {
  void reply.header('cache-control', 'no-store');
  return view;
};

/** @throws GH_REQUEST_UNAUTHORIZED, GH_REQUEST_TOO_MANY, GH_SESSION_CODE */
async function signIn(
  { body, peer, headers }: FastifyRequest & { body: z.infer<typeof signInBody> },
  { service, keys, limits }: SessionRoutesOptions,
): Promise<SignedInView> {
  const { 'user-agent': userAgent = '' } = headers;
  if ('key' in body) {
    const caller = keys.authenticate(body.key);
    limits.checkKey(peer, caller, body.key);
    if (caller === null)
      throw new GatehouseError('GH_REQUEST_UNAUTHORIZED', 'The key is not known');
    return service.signInByKey(body.key, caller.user, userAgent);
  }
  const giveBack = limits.takeCode(peer);
  const signedIn = await service.signInByCode(body.code, userAgent);
  if (signedIn === null) throw new GatehouseError('GH_SESSION_CODE');
  giveBack();
  return signedIn;
}

/** One that has just ended elsewhere is ended too. */
async function endQuietly(service: SessionService, id: string): Promise<void> {
  try {
    await service.end(id, null);
  } catch (error) {
    if (!(error instanceof GatehouseError && error.code === 'GH_SESSION_NOT_FOUND')) throw error;
  }
}

function addSessions(server: RouteServer, { service, site }: SessionRoutesOptions): void {
  server.get(
    '/sessions',
    declare.person('Browsers that are signed in, newest first; of all people without a user.', {
      querystring: sessionListQuery,
      response: { 200: sessionPageSchema },
    }),
    (request) => service.list(request.query, request.session?.id ?? null),
  );
  server.delete(
    '/sessions/:id',
    declare.person('Sign a browser out.', {
      params: idParams,
      querystring: sessionOwner,
      response: { 204: noContent },
      errors: ['GH_SESSION_NOT_FOUND'],
    }),
    async ({ params, query }, reply) => {
      await service.end(params.id, query.user_id ?? null);
      return reply.code(204).send(null);
    },
  );
  server.post(
    '/invites',
    declare.person('A one-time code that signs in a browser of the person.', {
      body: inviteBody,
      response: { 201: inviteSchema },
      errors: ['GH_PERSON_UNKNOWN', 'GH_SESSION_NO_KEYS'],
    }),
    async (request, reply) => {
      const invite = await service.invite(request.body);
      const page = site.pageAddress(request.server.server.address());
      // A fragment stays in the browser.
      const url = `${page}/#code=${invite.code}`;
      void reply.header('cache-control', 'no-store');
      return reply.code(201).send({ ...invite, url, qr: qrSvg(url) });
    },
  );
}
