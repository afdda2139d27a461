/**
 * Access by the cookie of a session: for routes, streams and the inspector's socket.
 *
 * S1 Another page must not act with the cookie (CSRF): what changes something, and a socket, must come from our own page, as
 *    `Sec-Fetch-Site` or `Origin` says. `SameSite=Strict` is not enough: another port of this host is the same site.
 * S2 A key in the request counts alone: the cookie is not read then.
 */
import type { IncomingMessage } from 'node:http';
import type { Caller } from '#shared/api-keys';
import { GatehouseError } from '#shared/errors';
import type { CookieScope, Site } from './site.ts';

const sessionCookie = 'gatehouse_session';

/** The session of a request. */
export interface RequestSession {
  id: string;
  /** Of its cookie. */
  token: string;
  /** Epoch ms. */
  expiresAt: number;
  /** This request has put the end off: the cookie must be renewed. */
  isRenewed: boolean;
}

/** What the server needs of the sessions. */
export interface SessionDirectory {
  /** Age of a new cookie. */
  idleSeconds: number;
  /** Null: none, or it has ended. @throws GH_STORE_UNAVAILABLE */
  find(token: string): Promise<{
    id: string;
    userId: string | null;
    expiresAt: number;
    isRenewed: boolean;
  } | null>;
  /** Calls `close` when the session is ended. Returns the function that forgets it. */
  attach(id: string, close: () => void): () => void;
}

export interface SessionCaller extends Caller {
  session: RequestSession;
}

export interface SessionAccess {
  /** Whether the request has a cookie that must be looked up. */
  applies(request: IncomingMessage): boolean;
  /**
   * Null: its cookie is that of no session.
   * @param isSocket an upgrade: it is checked as a request that changes something
   * @throws GH_SESSION_ORIGIN, GH_STORE_UNAVAILABLE
   */
  callerOf(request: IncomingMessage, isSocket?: boolean): Promise<SessionCaller | null>;
  attach: SessionDirectory['attach'];
  /** `Set-Cookie` with the token; null: the browser removes the cookie. */
  cookieFor(request: IncomingMessage, token: string | null): string;
}

/** A browser sends several cookies of this name if they were set for several paths of the host. */
const tokensMax = 4;

export function createSessionAccess(directory: SessionDirectory, site: Site): SessionAccess {
  return {
    applies: ({ headers }) =>
      headers.authorization === undefined && tokensIn(headers.cookie).length > 0,
    async callerOf(request, isSocket = false) {
      for (const token of tokensIn(request.headers.cookie)) {
        const found = await directory.find(token);
        if (found === null) continue;
        assertOwnPage(request, site, isSocket);
        const { userId, ...session } = found;
        return { user: userId, session: { ...session, token } };
      }
      return null;
    },
    attach: directory.attach,
    cookieFor: (request, token) => {
      const seconds = token === null ? 0 : directory.idleSeconds;
      return cookieText(token ?? '', site.cookieScopeOf(request), seconds);
    },
  };
}

/** @throws GH_SESSION_ORIGIN */
function assertOwnPage(request: IncomingMessage, site: Site, isSocket: boolean): void {
  const isRead = !isSocket && ['GET', 'HEAD'].includes(request.method ?? '');
  const isAccepted = isRead ? !site.isFromOtherPage(request) : site.isFromOwnPage(request);
  if (!isAccepted) throw new GatehouseError('GH_SESSION_ORIGIN');
}

/** The values of the cookie, the one of the longest path first, as browsers send them (RFC 6265, 5.4). */
function tokensIn(header: string | undefined): string[] {
  if (header?.includes(sessionCookie) !== true) return [];
  const pairs = header.split(';').map((pair) => pair.trim().split('='));
  const values = pairs.filter(([name]) => name === sessionCookie).map(([, value = '']) => value);
  return values.filter((value) => /^[\w-]{1,128}$/.test(value)).slice(0, tokensMax);
}

/** @param seconds 0: the browser removes it */
const cookieText = (token: string, { path, isSecure }: CookieScope, seconds: number): string =>
  [
    `${sessionCookie}=${token}`,
    'HttpOnly',
    'SameSite=Strict',
    `Path=${path}`,
    `Max-Age=${seconds}`,
    ...(isSecure ? ['Secure'] : []),
  ].join('; ');
