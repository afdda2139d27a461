/** Loopback hosts, which are served without an API key: in the configuration and in the Host header. */
import { request } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startServer } from '#http/server/server';
import { silentLog } from '#shared/log';
import { isLoopback, isLoopbackHostHeader } from '#shared/loopback';
import { openCore } from '#test/support/core';

describe('a host', () => {
  test.each([
    'localhost',
    'LOCALHOST',
    'localhost.',
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '127.255.255.254',
    '2130706433',
    '0x7f.1',
    '::1',
    '[::1]',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '[::ffff:7f00:1]',
  ])('%s is loopback', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  test.each([
    '0.0.0.0',
    '::',
    '[::]',
    '128.0.0.1',
    '10.0.0.1',
    '::2',
    'fe80::1',
    'localhost.example.com',
    'evil.localhost',
    '127.0.0.1.example.com',
    'localhost@example.com',
    'example.com#localhost',
    '127.0.0.1/x',
    '',
    ' ',
    '1.127',
  ])('%s is not loopback', (host) => {
    expect(isLoopback(host)).toBe(false);
  });

  test.each([
    ['localhost:8100', true],
    ['[::1]:8100', true],
    ['127.1:80', false],
    ['127.0.0.2:80', true],
    ['2130706433', false],
    ['Localhost', true],
    ['evil.example:8100', false],
    ['[::2]:8100', false],
    ['', false],
  ])('in the Host header %s is checked without its port', (header, expected) => {
    expect(isLoopbackHostHeader(header)).toBe(expected);
  });
});

describe('a core without an API key', () => {
  test.each(['[::1]', '::1', '127.1', 'localhost'])(
    'listens on %s and answers there',
    async (host) => {
      const fixture = await openCore({ server: { port: 0, host } });
      onTestFinished(() => fixture.close());
      const url = new URL(fixture.core.url);
      const status = await new Promise<number | undefined>((resolve, reject) => {
        request(new URL('/healthz', url), (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
      expect(status).toBe(200);
    },
  );

  test.each(['0.0.0.0', '[::]', '::'])('refuses to listen on %s', async (host) => {
    const options = { host, port: 0, apiKeys: [], routes: [], log: silentLog() };
    const starting = startServer({ ...options, ownerOf: () => Promise.resolve('') });
    await expect(starting).rejects.toMatchObject({ code: 'GH_CONFIG_INVALID' });
  });
});
