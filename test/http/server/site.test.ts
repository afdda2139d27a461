/** What the server takes from a request about the browser and the proxies before it. */
import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { createSite, isNetwork } from '#http/server/site';

const request = (headers: Record<string, string>, remoteAddress = '10.0.0.7'): IncomingMessage =>
  ({ headers, socket: { remoteAddress } }) as unknown as IncomingMessage;

const direct = createSite();
const behind = createSite({
  publicUrl: 'https://home.example/gatehouse',
  trustedProxies: ['10.0.0.7', '172.16.0.0/12', 'fd00::/8'],
});

describe('the client', () => {
  test.each([
    ['no proxy is trusted', direct, { 'x-forwarded-for': '1.2.3.4' }, '10.0.0.7', '10.0.0.7'],
    ['one proxy', behind, { 'x-forwarded-for': '1.2.3.4' }, '10.0.0.7', '1.2.3.4'],
    ['another sender', behind, { 'x-forwarded-for': '1.2.3.4' }, '10.0.0.8', '10.0.0.8'],
    [
      'what the client has made up',
      behind,
      { 'x-forwarded-for': '127.0.0.1, 1.2.3.4' },
      '10.0.0.7',
      '1.2.3.4',
    ],
    [
      'two proxies',
      behind,
      { 'x-forwarded-for': '9.9.9.9, 1.2.3.4, 172.20.0.3' },
      '10.0.0.7',
      '1.2.3.4',
    ],
    [
      'proxies only',
      behind,
      { 'x-forwarded-for': '172.20.0.4, 172.20.0.3' },
      '10.0.0.7',
      '172.20.0.4',
    ],
    ['nonsense', behind, { 'x-forwarded-for': '1.2.3.4, <script>' }, '10.0.0.7', '10.0.0.7'],
    ['a port', behind, { 'x-forwarded-for': '1.2.3.4:5678' }, '10.0.0.7', '1.2.3.4'],
    [
      'IPv6 with a port',
      behind,
      { 'x-forwarded-for': '[2001:db8::1]:443' },
      'fd00::1',
      '2001:db8::1',
    ],
    ['IPv4 in IPv6', behind, { 'x-forwarded-for': '1.2.3.4' }, '::ffff:172.17.0.1', '1.2.3.4'],
    ['no header', behind, {}, '10.0.0.7', '10.0.0.7'],
  ])('is known: %s', (_case, site, headers, remote, client) => {
    expect(site.peerOf(request(headers, remote)).remoteAddress).toBe(client);
  });
});

describe('the cookie', () => {
  test.each([
    ['at its own address', direct, { host: 'nas:8100' }, '10.0.0.7', '/', false],
    ['behind the public address', behind, { host: 'home.example' }, '10.0.0.9', '/gatehouse', true],
    [
      'behind a proxy that changes the host',
      behind,
      { host: '127.0.0.1:8100', origin: 'https://home.example' },
      '10.0.0.9',
      '/gatehouse',
      true,
    ],
    [
      'in the own network, past the proxy',
      behind,
      { host: 'nas:8100', origin: 'http://nas:8100' },
      '10.0.0.9',
      '/',
      false,
    ],
    [
      'forged headers',
      behind,
      { host: 'nas:8100', 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/x' },
      '10.0.0.9',
      '/',
      false,
    ],
    [
      'headers of a proxy',
      behind,
      { host: 'nas:8100', 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/ai/' },
      '10.0.0.7',
      '/ai',
      true,
    ],
    [
      'a prefix with other attributes',
      behind,
      { host: 'nas:8100', 'x-forwarded-prefix': '/x; Domain=example' },
      '10.0.0.7',
      '/',
      false,
    ],
    [
      'a host of a proxy',
      behind,
      { host: 'core:8100', 'x-forwarded-host': 'home.example' },
      '10.0.0.7',
      '/gatehouse',
      true,
    ],
    [
      'the word of two proxies',
      behind,
      { host: 'x', 'x-forwarded-proto': 'HTTPS, http' },
      '10.0.0.7',
      '/',
      true,
    ],
  ])(
    'has the path and the protection of the address: %s',
    (_case, site, headers, remote, path, isSecure) => {
      expect(site.cookieScopeOf(request(headers, remote))).toEqual({ path, isSecure });
    },
  );
});

describe('a request', () => {
  test.each([
    [
      'its own page, as the browser says',
      direct,
      { host: 'nas', 'sec-fetch-site': 'same-origin' },
      true,
      false,
      true,
    ],
    [
      'its own page, by Origin',
      direct,
      { host: 'nas:8100', origin: 'http://nas:8100' },
      true,
      false,
      true,
    ],
    [
      'its own page with TLS',
      direct,
      { host: 'nas:8443', origin: 'https://nas:8443' },
      true,
      false,
      true,
    ],
    [
      'its own page in other letters',
      direct,
      { host: 'NAS:8100', origin: 'http://nas:8100' },
      true,
      false,
      true,
    ],
    [
      'another port of the host',
      direct,
      { host: 'nas:8100', origin: 'http://nas:5000' },
      false,
      false,
      false,
    ],
    [
      'another port, as the browser says',
      direct,
      { host: 'nas:8100', 'sec-fetch-site': 'same-site' },
      false,
      true,
      true,
    ],
    [
      'another site',
      direct,
      { host: 'nas', origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      false,
      true,
      false,
    ],
    [
      'a name that begins alike',
      direct,
      { host: 'nas', origin: 'http://nas.evil.example' },
      false,
      false,
      false,
    ],
    ['a page without an origin', direct, { host: 'nas', origin: 'null' }, false, false, false],
    ['the address line', direct, { host: 'nas', 'sec-fetch-site': 'none' }, false, false, true],
    ['a program', direct, { host: 'nas' }, false, false, true],
    [
      'a proxy that changes the host',
      behind,
      { host: '127.0.0.1:8100', origin: 'https://home.example' },
      true,
      false,
      true,
    ],
    [
      'the same without publicUrl',
      direct,
      { host: '127.0.0.1:8100', origin: 'https://home.example' },
      false,
      false,
      false,
    ],
    [
      'the same with a browser that says more',
      direct,
      { host: '127.0.0.1:8100', origin: 'https://home.example', 'sec-fetch-site': 'same-origin' },
      true,
      false,
      true,
    ],
  ])('is from %s', (_case, site, headers, isOwn, isOther, isAccepted) => {
    const one = request(headers, '10.0.0.9');
    expect(site.isFromOwnPage(one)).toBe(isOwn);
    expect(site.isFromOtherPage(one)).toBe(isOther);
    expect(site.isOriginAccepted(one)).toBe(isAccepted);
  });
});

describe('the address of the page', () => {
  const at = (address: string) => ({ address, port: 8100, family: 'IPv4' });
  test('is the public one, else that at which the server listens, which a phone can reach', () => {
    expect(behind.pageAddress(at('0.0.0.0'))).toBe('https://home.example/gatehouse');
    expect(createSite({ publicUrl: 'https://home.example/' }).pageAddress(null)).toBe(
      'https://home.example',
    );
    expect(direct.pageAddress(at('127.0.0.1'))).toBe('http://127.0.0.1:8100');
    expect(direct.pageAddress(at('fd00::1'))).toBe('http://[fd00::1]:8100');
    expect(direct.pageAddress(at('0.0.0.0'))).toMatch(/^http:\/\/\d+\.\d+\.\d+\.\d+:8100$/);
    expect(direct.pageAddress(at('::'))).not.toContain('0.0.0.0');
  });
});

test.each([
  ['10.0.0.1', true],
  ['172.16.0.0/12', true],
  ['fd00::/8', true],
  ['::1', true],
  ['10.0.0.0/33', false],
  ['fd00::/129', false],
  ['10.0.0', false],
  ['proxy', false],
  ['10.0.0.0/8/8', false],
  ['10.0.0.0/', false],
  ['', false],
])('%s is a network: %s', (text, is) => {
  expect(isNetwork(text)).toBe(is);
});
