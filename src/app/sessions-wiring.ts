/** Who may use the HTTP server, and how much: wires the sessions to the configuration, the server and its routes. */
import { sessionRoutes } from '#http/routes/session-routes';
import { createRateLimiter, type RateLimiter } from '#http/server/rate-limiter';
import { createSessionAccess, type SessionAccess } from '#http/server/session-access';
import { createSite, type Site } from '#http/server/site';
import type { RouteServer } from '#http/server/route-schemas';
import { Sessions } from '#sessions/sessions';
import { createApiKeyAuthenticator } from '#shared/api-keys';
import { dayMs } from '#shared/calendar/time-units';
import { createIdSource } from '#shared/ids';
import { createSessionApi } from './api/session-api-adapter.ts';
import { apiKeysOf } from './config/persons-settings.ts';
import type { CoreParts } from './core-parts.ts';

export interface OpenedSessions {
  access: SessionAccess;
  site: Site;
  /** Its routes. @param limits those of the server */
  routes(limits: RateLimiter): (server: RouteServer) => void;
}

type AccessParts = Pick<CoreParts, 'config' | 'persons' | 'stores' | 'clock' | 'log'>;

export const openAccess = (
  parts: AccessParts,
  closers: (() => Promise<void> | void)[],
): { limits: RateLimiter; sessions: OpenedSessions } => ({
  limits: createRateLimiter(parts.config.server.limits),
  sessions: openSessions(parts, closers),
});

function openSessions(
  { config, persons, stores, clock, log }: AccessParts,
  closers: (() => void)[],
): OpenedSessions {
  const { server } = config;
  const apiKeys = apiKeysOf(config);
  const idleMs = server.sessionIdleDays * dayMs;
  const sessions = new Sessions({
    storage: stores.sessions,
    apiKeys,
    isPerson: persons.has,
    idleMs,
    clock,
    nextId: createIdSource(),
    log,
  });
  closers.push(() => sessions.stop());
  const site = createSite(server);
  const access = createSessionAccess(
    {
      idleSeconds: idleMs / 1_000,
      async find(token) {
        const found = await sessions.find(token);
        return found && { ...found.session, isRenewed: found.isRenewed };
      },
      attach: (id, close) => sessions.attach(id, close),
    },
    site,
  );
  return {
    access,
    site,
    routes: (limits) =>
      sessionRoutes({
        service: createSessionApi(sessions, persons),
        access,
        site,
        keys: createApiKeyAuthenticator(apiKeys),
        limits,
      }),
  };
}
