/**
 * Authorization of the socket. An upgrade does not pass the checks of the HTTP server, so the same rules are repeated
 * here: loopback host names only where there is no key, no page of another site, and a key or the cookie of a session where
 * keys are configured.
 */
import type { IncomingMessage } from 'node:http';
import { GatehouseError } from '#shared/errors';
import { isLoopbackHostHeader } from '#shared/loopback';
import { operatorCaller, type Caller, type ApiKeyAuthenticator } from '#shared/api-keys';
import type { SessionAccess, SessionCaller } from '#http/server/session-access';
import { isOriginOf, type Site } from '#http/server/site';
import type { InspectorOptions } from './inspector-context.ts';

/** An answer without a caller: the HTTP status of the refusal. */
export type Refusal = 401 | 403 | 429 | 503;

/** A browser cannot set headers on a socket: the page sends its key as a subprotocol, in base64url. */
const keyProtocol = 'gatehouse.key.';

export interface SocketAccess {
  keys: ApiKeyAuthenticator;
  /** Null: no sessions. */
  sessions: SessionAccess | null;
  site: Site;
  limits: InspectorOptions['limits'];
}

/** The caller, or the refusal; a promise only if there is a cookie to look up. */
export function authenticateSocket(
  request: IncomingMessage,
  access: SocketAccess,
): Caller | Refusal | Promise<SessionCaller | Refusal> {
  const { keys, sessions, site } = access;
  const { host = '', origin } = request.headers;
  if (keys.hasNoKeys) {
    return isOriginOf(host, origin) && isLoopbackHostHeader(host) ? operatorCaller : 403;
  }
  if (!site.isOriginAccepted(request)) return 403;
  const key = keyOf(request);
  if (key === '' && sessions?.applies(request) === true) return authenticateCookie(request, access);
  const caller = keys.authenticate(key);
  return (key === '' ? null : countKey(request, access, caller, key)) ?? caller ?? 401;
}

async function authenticateCookie(
  request: IncomingMessage,
  access: SocketAccess,
): Promise<SessionCaller | Refusal> {
  try {
    const caller = await access.sessions!.callerOf(request, true);
    return countKey(request, access, caller, String(request.headers.cookie)) ?? caller ?? 401;
  } catch (error) {
    if (error instanceof GatehouseError) return error.status === 403 ? 403 : 503;
    throw error;
  }
}

/** Null: not refused. */
function countKey(
  request: IncomingMessage,
  { limits, site }: SocketAccess,
  caller: Caller | null,
  key: string,
): 429 | null {
  try {
    limits?.checkKey(site.peerOf(request), caller, key);
    return null;
  } catch (error) {
    if (error instanceof GatehouseError) return 429;
    throw error;
  }
}

function keyOf(request: IncomingMessage): string {
  const [, bearer] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  if (bearer !== undefined) return bearer;
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
  const named = protocols.find((one) => one.startsWith(keyProtocol));
  if (named !== undefined) {
    return Buffer.from(named.slice(keyProtocol.length), 'base64url').toString('utf8');
  }
  // Stately clients can configure only the URL.
  return new URL(request.url ?? '/', 'http://localhost').searchParams.get('key') ?? '';
}
