/** All streams of server-sent events have one writer: the same headers, and the same limit for a client that does not read. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createSseStream } from '#http/server/sse-stream';
import { openCore, type CoreFixture } from '#test/support/core';
import { says } from '#test/support/fake-llm-replies';

describe('every stream of a core', () => {
  let fixture: CoreFixture;
  beforeEach(async () => {
    fixture = await openCore();
  });
  afterEach(() => fixture.close());

  const question = { accept: 'text/event-stream', 'content-type': 'application/json' };
  const streams: [string, () => Promise<Response>][] = [
    [
      'of a job',
      async () => get(`/chat/${await fixture.client.submit({ message: 'hello' })}/stream`),
    ],
    ['of all events', () => get('/events?from=now')],
    [
      'of a document',
      async () => {
        const made = await post('/memos', { text: 'a memo with some words in it' });
        const { id } = (await made.json()) as { id: string };
        return get(`/documents/${id}/stream`);
      },
    ],
    [
      'of an answer from documents',
      async () => {
        await post('/documents', { title: 'boiler', text: 'The boiler has a warranty.' });
        fixture.large.script(says('It has [1].'));
        return post('/ask', { query: 'boiler warranty' }, question);
      },
    ],
    [
      'of an OpenAI client',
      () => {
        fixture.small.script(says('hello'));
        const messages = [{ role: 'user', content: 'hello' }];
        return post('/v1/chat/completions', { model: 'small', messages, stream: true }, question);
      },
    ],
  ];

  const leaving = new AbortController();
  const get = (path: string): Promise<Response> =>
    fetch(`${fixture.core.url}${path}`, { signal: leaving.signal });
  const post = (path: string, body: object, headers = {}): Promise<Response> =>
    fetch(`${fixture.core.url}${path}`, { method: 'POST', body: JSON.stringify(body), headers });

  test.each(streams)(
    '%s has the headers that keep proxies from buffering it',
    async (_name, open) => {
      const response = await open();
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      });
      await response.body?.cancel();
    },
  );
});

/** Serves one stream and resolves with its response. */
async function serveStream(): Promise<{ port: number; response: Promise<ServerResponse> }> {
  const opened = Promise.withResolvers<ServerResponse>();
  const server = createServer((_request, response) => opened.resolve(response)).listen(0);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, response: opened.promise };
}

test('a stream disconnects a client that leaves more than a megabyte of live events unread', async () => {
  const { port, response } = await serveStream();
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.pause().write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const stream = createSseStream(await response);
  const data = 'x'.repeat(256 * 1024);
  for (let n = 0; n < 200 && stream.isOpen; n += 1) stream.push({ id: n, data });
  expect(stream.isOpen).toBe(false);
  expect(await stream.send({ data: 'more' })).toBe(false);
});

test('a stream without anything to send ends with 204', async () => {
  const { port, response } = await serveStream();
  const answer = fetch(`http://127.0.0.1:${port}/`);
  createSseStream(await response).noContent();
  expect((await answer).status).toBe(204);
});
