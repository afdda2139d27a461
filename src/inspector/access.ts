/**
 * Who may open the socket. The page's other requests pass the HTTP server's own checks; an upgrade does not
 * go through them, so the same rules stand here: loopback names only where there is no key, no other site's
 * page, and a key where keys are set.
 */
import type { IncomingMessage } from 'node:http';
import { GatehouseError } from '../lib/errors.ts';
import { isLoopbackHostHeader } from '../lib/loopback.ts';
import { operator, type Caller, type KeyRing } from '../lib/key-ring.ts';
import type { InspectorOptions } from './parts.ts';

/** A browser cannot set headers on a socket: the page names its key as a subprotocol, in base64url. */
const keyProtocol = 'gatehouse.key.';

/** Who opens the socket, or the HTTP status of the refusal. */
export function callerOf(
  request: IncomingMessage,
  keys: KeyRing,
  limits: InspectorOptions['limits'],
): Caller | 401 | 403 | 429 {
  const { host = '', origin } = request.headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    return 403;
  }
  if (keys.isOpen) return isLoopbackHostHeader(host) ? operator : 403;
  const key = keyOf(request);
  const caller = keys.callerOf(key);
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
  // The Stately clients can set nothing but the address.
  return new URL(request.url ?? '/', 'http://localhost').searchParams.get('key') ?? '';
}
