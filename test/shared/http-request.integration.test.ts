/** Outgoing HTTP requests against real servers on loopback that misbehave in the ways that servers at home do. */
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { sendHttpRequest, type HttpOutcome, type HttpRequest } from '#shared/http-request';
import { createPinnedFetch } from '#tools/secure-fetch';

const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  servers.length = 0;
  sockets.clear();
});

type Answer = (socket: Socket, request: string) => void;

/** A server that answers each request with raw bytes. Resolves to its address. */
async function serve(answer: Answer, create: (on: (socket: Socket) => void) => Server = plain) {
  const requests: string[] = [];
  const server = create((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (data) => {
      text += data.toString();
      if (!text.includes('\r\n\r\n')) return;
      requests.push(text);
      answer(socket, text);
      text = '';
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests };
}

const plain = (on: (socket: Socket) => void): Server => createServer({ allowHalfOpen: true }, on);

const send = (url: string, more: Partial<HttpRequest> = {}): Promise<HttpOutcome> =>
  sendHttpRequest({ url, bytesMax: 1000, timeoutMs: 20_000, ...more });

const answered = (head: string, body: string | Buffer = ''): Answer => {
  return (socket) => {
    socket.write(`HTTP/1.1 ${head}\r\nConnection: close\r\n\r\n`);
    socket.end(body);
  };
};

const textOf = (outcome: HttpOutcome): string =>
  outcome.ok ? outcome.body.toString() : `${outcome.kind}, ${outcome.wasSent ? 'sent' : 'unsent'}`;

describe('an outgoing HTTP request', () => {
  test('sends its body, its length and one user agent, and asks for no compression', async () => {
    const { url, requests } = await serve(answered('200 OK', 'yes'));
    const outcome = await send(url, { method: 'POST', body: '안녕', headers: { 'x-a': '1' } });
    expect(outcome).toMatchObject({ ok: true, status: 200, body: Buffer.from('yes') });
    expect(requests[0]).toMatch(/^POST \/ HTTP\/1\.1\r\n/);
    for (const line of ['x-a: 1', 'user-agent: gatehouse', 'content-length: 6']) {
      expect(requests[0]).toContain(`\r\n${line}\r\n`);
    }
    expect(requests[0]).toContain('accept-encoding: identity');
    expect(requests[0]).toContain('connection: close');
  });

  const body = 'BEGIN:VCALENDAR';
  test.each<[string, Answer, string]>([
    [
      'a body until the end of an HTTP/1.0 connection',
      (socket) => socket.end(`HTTP/1.0 200 OK\r\n\r\n${body}`),
      body,
    ],
    ['a status without a body', answered('204 No Content'), ''],
    [
      'a redirect, which is not followed',
      answered('302 Found\r\nLocation: http://127.0.0.1:1/', 'moved'),
      'moved',
    ],
    [
      'an informational response first',
      (socket) =>
        socket.end(
          `HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${body}`,
        ),
      body,
    ],
    [
      'gzip that was not asked for',
      answered('200 OK\r\nContent-Encoding: gzip', gzipSync(body)),
      body,
    ],
    ['deflate', answered('200 OK\r\nContent-Encoding: deflate', deflateSync(body)), body],
    ['brotli', answered('200 OK\r\nContent-Encoding: br', brotliCompressSync(body)), body],
    [
      'gzip that is announced and not applied',
      answered('200 OK\r\nContent-Encoding: gzip', body),
      body,
    ],
    ['an encoding that is not known', answered('200 OK\r\nContent-Encoding: utf-8', body), body],
    [
      'an early response with half the connection open',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n${body}`),
      body,
    ],
  ])('reads %s', async (_, answer, expected) => {
    const { url } = await serve(answer);
    expect(textOf(await send(url))).toBe(expected);
  });

  test('reads the response to HEAD with the headers of a compressed body', async () => {
    const head = '200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 900';
    const { url } = await serve(answered(head));
    expect(await send(url, { method: 'HEAD' })).toMatchObject({ ok: true, status: 200 });
  });

  const endless: Answer = (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const more = (error?: Error | null): void => {
      if (!error) socket.write('x'.repeat(100_000), more);
    };
    more();
  };
  test.each<[string, Answer, string]>([
    ['a body that never ends', endless, 'too_large, sent'],
    [
      'a gzip bomb',
      answered('200 OK\r\nContent-Encoding: gzip', gzipSync(Buffer.alloc(500_000))),
      'too_large, sent',
    ],
    [
      'a brotli bomb',
      answered('200 OK\r\nContent-Encoding: br', brotliCompressSync(Buffer.alloc(500_000))),
      'too_large, sent',
    ],
    [
      'a truncated gzip body',
      answered('200 OK\r\nContent-Encoding: gzip', gzipSync(body).subarray(0, 20)),
      'unreachable, sent',
    ],
    [
      'a body that is longer than announced',
      answered('200 OK\r\nContent-Length: 15', `${body}more`),
      'unreachable, sent',
    ],
    [
      'a body that is shorter than announced',
      answered('200 OK\r\nContent-Length: 999', body),
      'unreachable, sent',
    ],
    [
      'a chunked body without its end',
      answered('200 OK\r\nTransfer-Encoding: chunked', 'f\r\nBEGIN:VCALENDAR\r\n'),
      'unreachable, sent',
    ],
    [
      'a connection that is closed without a response',
      (socket) => socket.end(),
      'unreachable, sent',
    ],
    ['a connection that is reset', (socket) => socket.resetAndDestroy(), 'unreachable, sent'],
    [
      'a response that is no HTTP',
      (socket) => socket.end('220 smtp.example.com\r\n'),
      'unreachable, sent',
    ],
    [
      'a change of protocol that was not asked for',
      (socket) =>
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
      'unreachable, sent',
    ],
    [
      'headers without end',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`),
      'unreachable, sent',
    ],
  ])('fails on %s', async (_, answer, expected) => {
    const { url } = await serve(answer);
    expect(textOf(await send(url))).toBe(expected);
  });

  test.each<[string, Answer]>([
    ['no headers arrive', () => undefined],
    ['headers arrive slowly', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx: ')],
    ['the body arrives slowly', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\n\r\n')],
  ])(
    'ends at its time limit if %s, with or without a limit of the connection',
    async (_, answer) => {
      const { url } = await serve(answer);
      expect(textOf(await send(url, { timeoutMs: 100 }))).toBe('timeout, sent');
      expect(textOf(await send(url, { timeoutMs: 100, connectMs: 20_000 }))).toBe('timeout, sent');
    },
  );

  test('ends at once when its signal aborts', async () => {
    const controller = new AbortController();
    const { url } = await serve(() => controller.abort());
    expect(textOf(await send(url, { signal: controller.signal }))).toBe('aborted, sent');
    expect(textOf(await send(url, { signal: controller.signal }))).toBe('aborted, unsent');
  });

  test.each([
    ['nothing listens', 'http://127.0.0.1:1/'],
    ['the address is not valid', 'http://[::1/'],
    ['the host name is not valid', 'http://name.invalid/'],
    ['the protocol is not HTTP', 'ftp://127.0.0.1/'],
  ])('is not sent if %s', async (_, url) => {
    expect(textOf(await send(url))).toBe('unreachable, unsent');
  });

  test('is not sent with a header that is not valid', async () => {
    expect(textOf(await send('http://127.0.0.1:1/', { headers: { a: 'b\r\nc: d' } }))).toBe(
      'unreachable, unsent',
    );
  });

  test('is sent over TLS only if the certificate authority is trusted', async () => {
    const folder = join(import.meta.dirname, '../events/connection/tls');
    const [ca, key, cert] = ['ca.pem', 'server.key', 'server.pem'].map((name) =>
      readFileSync(join(folder, name), 'utf8'),
    );
    const { url, requests } = await serve(answered('200 OK', 'secret'), (on) =>
      createTlsServer({ key, cert }, on),
    );
    const secure = url.replace('http:', 'https:');
    expect(textOf(await send(secure))).toBe('unreachable, unsent');
    expect(textOf(await send(secure, { trust: { ca } }))).toBe('secret');
    expect(textOf(await send(secure, { trust: { ca, fingerprint256: 'ab' } }))).toBe(
      'unreachable, unsent',
    );
    expect(textOf(await send(url, { timeoutMs: 500 }))).toMatch(/, sent$/);
    expect(requests).toHaveLength(1);
  });
});

/** Sends the head, then one byte at a time, until the client closes the connection. */
function drip(socket: Socket, head: string): void {
  socket.write(head);
  const timer = setInterval(() => socket.write('a'), 10);
  socket.on('close', () => clearInterval(timer)).on('end', () => socket.destroy());
}

describe('a fetch with credentials', () => {
  const ask = (url: string) =>
    createPinnedFetch(
      url,
      {},
      { timeoutMs: 20_000, signal: new AbortController().signal },
    )(url, {
      headers: { authorization: 'Basic c2VjcmV0' },
    });

  test('follows a redirect within its site, with its credentials', async () => {
    const { url, requests } = await serve((socket, request) =>
      request.startsWith('GET /there')
        ? answered('200 OK', 'here')(socket, request)
        : answered('301 Moved\r\nLocation: /there')(socket, request),
    );
    expect(await (await ask(url)).text()).toBe('here');
    expect(requests[1]).toContain('authorization: Basic c2VjcmV0');
  });

  test('sends nothing to another origin', async () => {
    const other = await serve(answered('200 OK', 'stolen'));
    const there = other.url.replace('127.0.0.1', 'localhost');
    const { url } = await serve(answered(`307 Moved\r\nLocation: ${there}`));
    await expect(ask(url)).rejects.toMatchObject({ kind: 'other_site', wasSent: false });
    expect(other.requests).toEqual([]);
  });

  test('ends a redirect loop', async () => {
    const { url, requests } = await serve(answered('302 Found\r\nLocation: /'));
    expect((await ask(url)).status).toBe(302);
    expect(requests).toHaveLength(6);
  });
});
