/**
 * Authorization of the socket. An upgrade does not pass the checks of the HTTP server, so the same rules are repeated
 * here: loopback host names only where there is no key, no page of another site, and a key where keys are configured.
 */
import type { IncomingMessage } from 'node:http';
import { GatehouseError } from '#shared/errors';
import { isLoopbackHostHeader } from '#shared/loopback';
import { operatorCaller, type Caller, type ApiKeyAuthenticator } from '#shared/api-keys';
import type { InspectorOptions } from './inspector-context.ts';

/** A browser cannot set headers on a socket: the page sends its key as a subprotocol, in base64url. */
const keyProtocol = 'gatehouse.key.';

/** The caller, or the HTTP status of the refusal. */
export function authenticateSocket(
  request: IncomingMessage,
  keys: ApiKeyAuthenticator,
  limits: InspectorOptions['limits'],
): Caller | 401 | 403 | 429 {
  const { host = '', origin } = request.headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    return 403;
  }
  if (keys.hasNoKeys) return isLoopbackHostHeader(host) ? operatorCaller : 403;
  const key = keyOf(request);
  const caller = keys.authenticate(key);
  try {
    if (key !== '') limits?.checkKey(request.socket, caller, key);
  } catch (error) {
    if (error instanceof GatehouseError) return 429;
    throw error;
  }
  return caller ?? 401;
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
