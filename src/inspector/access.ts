/**
 * Who may open the socket. The page's other requests pass the HTTP server's own checks; an upgrade does not
 * go through them, so the same rules stand here: loopback names only where there is no key, no other site's
 * page, and a key where keys are set.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A browser cannot set headers on a socket: the page names its key as a subprotocol, in base64url. */
const keyProtocol = 'gatehouse.key.';

/** 0 where the socket may be opened, else the HTTP status of the refusal. */
export function refusalOf(request: IncomingMessage, apiKeys: readonly string[]): 0 | 401 | 403 {
  const { host = '', origin } = request.headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    return 403;
  }
  if (apiKeys.length === 0) return isLoopbackName(host) ? 0 : 403;
  return isKnown(keyOf(request), apiKeys) ? 0 : 401;
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

/** Every key is compared, each in constant time. */
function isKnown(given: string, apiKeys: readonly string[]): boolean {
  let known = false;
  for (const key of apiKeys) if (timingSafeEqual(digest(key), digest(given))) known = true;
  return known;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function isLoopbackName(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name === '::1' || /^127\.\d+\.\d+\.\d+$/.test(name);
}
