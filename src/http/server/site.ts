/**
 * Where browsers see this server: at its own address, or behind a proxy with TLS, another host and a path before ours.
 *
 * W1 The headers of proxies (`X-Forwarded-For`, `-Proto`, `-Host`, `-Prefix`) are read only from `trustedProxies`; from all
 *    others they are ignored.
 * W2 `Sec-Fetch-Site` is believed: no page can set it, and programs have no cookie that they were not given.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Peer } from './rate-limiter.ts';

export interface SiteOptions {
  /** Address of the page for browsers, without a slash at its end; null: that at which the server listens. */
  publicUrl?: string | null;
  /** Addresses, or networks such as `172.16.0.0/12`, of proxies whose headers are read. */
  trustedProxies?: readonly string[];
}

export interface CookieScope {
  path: string;
  /** The browser came by https. */
  isSecure: boolean;
}

export interface Site {
  /** The client: behind a trusted proxy that which the proxy names. */
  peerOf(request: IncomingMessage): Peer;
  /** The page that sends the request is ours, or no page sends it. */
  isOriginAccepted(request: IncomingMessage): boolean;
  /** The browser says that our own page sends the request. False also if it says nothing. */
  isFromOwnPage(request: IncomingMessage): boolean;
  /** The browser says that a page of another site, or of another port of this host, sends the request. */
  isFromOtherPage(request: IncomingMessage): boolean;
  cookieScopeOf(request: IncomingMessage): CookieScope;
  /** The address of the page for a phone, without a slash at its end. @param listening of the server */
  pageAddress(listening: AddressInfo | string | null): string;
}

export function createSite({ publicUrl = null, trustedProxies = [] }: SiteOptions = {}): Site {
  const site = publicUrl === null ? null : new URL(publicUrl);
  const proxies = blockListOf(trustedProxies);
  const isTrusted = (address: string): boolean => {
    const bare = bareAddress(address);
    return bare !== null && proxies.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4');
  };
  /** The first value of a header of a trusted proxy. */
  const forwarded = ({ socket, headers }: IncomingMessage, name: string): string | null => {
    if (!isTrusted(socket.remoteAddress ?? '')) return null;
    return (
      String(headers[`x-forwarded-${name}`] ?? '')
        .split(',')[0]!
        .trim() || null
    );
  };
  const hostsOf = (request: IncomingMessage): string[] => {
    const hosts = [request.headers.host ?? '', forwarded(request, 'host') ?? ''];
    return hosts.filter((host) => host !== '').map((host) => host.toLowerCase());
  };
  const isOwnOrigin = (request: IncomingMessage, origin: string): boolean =>
    origin === site?.origin || hostsOf(request).some((host) => isOriginOf(host, origin));
  /** It came to `publicUrl`, as far as its host or its page says. */
  const isPublic = (request: IncomingMessage): boolean =>
    site !== null &&
    (request.headers.origin === site.origin || hostsOf(request).includes(site.host));

  const isFromOwnPage = (request: IncomingMessage): boolean => {
    const { 'sec-fetch-site': from, origin } = request.headers;
    if (from !== undefined) return from === 'same-origin';
    return origin !== undefined && isOwnOrigin(request, origin);
  };
  return {
    peerOf(request) {
      const { remoteAddress = '' } = request.socket;
      if (!isTrusted(remoteAddress)) return { remoteAddress };
      const named = String(request.headers['x-forwarded-for'] ?? '')
        .split(',')
        .map((one) => bareAddress(one.trim()));
      // From the right: what stands before the first address that is no proxy may be made up.
      let client = remoteAddress;
      for (const one of named.toReversed()) {
        if (one === null) break;
        client = one;
        if (!isTrusted(one)) break;
      }
      return { remoteAddress: client };
    },
    isOriginAccepted: (request) => {
      const { origin } = request.headers;
      return origin === undefined || isOwnOrigin(request, origin) || isFromOwnPage(request);
    },
    isFromOwnPage,
    isFromOtherPage: ({ headers: { 'sec-fetch-site': from } }) =>
      from !== undefined && from !== 'same-origin' && from !== 'none',
    cookieScopeOf(request) {
      const isSecure =
        forwarded(request, 'proto')?.toLowerCase() === 'https' ||
        (site?.protocol === 'https:' && isPublic(request));
      const path = isPublic(request) ? site!.pathname : forwarded(request, 'prefix');
      return { path: cookiePath(path ?? '/'), isSecure };
    },
    pageAddress(listening) {
      if (publicUrl !== null) return publicUrl.replace(/\/+$/, '');
      if (listening === null || typeof listening === 'string') return 'http://127.0.0.1';
      const { address, port } = listening;
      const host = address === '0.0.0.0' || address === '::' ? lanAddress() : address;
      return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    },
  };
}

/** Whether a page of this host sends the request; also if no page does. */
export const isOriginOf = (host: string, origin: string | undefined): boolean =>
  origin === undefined || origin === `http://${host}` || origin === `https://${host}`;

/** Without a slash at its end, so that the path of the page itself matches too. A path with other characters is `/`. */
const cookiePath = (path: string): string =>
  /^(?:\/[\w.~%!$&'()*+=:@-]+)+\/?$/.test(path) ? path.replace(/\/$/, '') : '/';

/** An address of this machine in its network; loopback without one. */
function lanAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

/** Without a port, a zone, brackets, or the prefix of IPv4 in IPv6; null for what is no address. */
function bareAddress(text: string): string | null {
  const bare = text
    .replace(/^\[(.*)\](?::\d+)?$/, '$1')
    .replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(bare) === 0 ? null : bare;
}

/** Whether the text is an address or a network. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)]!;
  if (bits < 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const one of networks) {
    const [address = '', prefix] = one.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}
