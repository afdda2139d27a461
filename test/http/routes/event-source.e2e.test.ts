/**
 * An EventSource reconnects after every stream that ends, until it gets a status other than 200. A client that has seen
 * the last event of a job gets 204. Tested with fetch, and with the EventSource of a browser.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { direct, openCore, routed, type CoreFixture } from '#test/support/core';
import { launchChromium, prepareChromium } from '#test/support/chromium';
import { stallsAfter } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

let fixture: CoreFixture;
beforeEach(async () => {
  fixture = await openCore();
  onTestFinished(() => fixture.close());
});

const stream = (jobId: string, headers: Record<string, string> = {}, query = '') =>
  fetch(`${fixture.core.url}/chat/${jobId}/stream${query}`, {
    headers: { accept: 'text/event-stream', ...headers },
  });

async function ended(): Promise<{ jobId: string; last: number }> {
  fixture.small.script(direct('네'));
  const { jobId, end } = await fixture.ask('안녕');
  return { jobId, last: end.seq };
}

describe('the stream of a job that has ended', () => {
  test('is 204 and empty after the last event, as the case file says', async () => {
    const text = readFileSync(
      join(import.meta.dirname, 'cases', '22-sse-after-the-end.http'),
      'utf8',
    );
    const { jobId, last } = await ended();
    expect(text).toContain('RIGHT RESULT: 204');
    const [, path = ''] = /^GET (\S+)/m.exec(text)!;
    const response = await fetch(`${fixture.core.url}${path.replace('JOB', jobId)}`, {
      headers: { accept: 'text/event-stream', 'last-event-id': String(last) },
    });
    expect(response.status).toBe(204);
    expect(await response.text()).toBe('');
  });

  test.each<[string, (last: number) => Record<string, string>, string]>([
    ['without Last-Event-ID', () => ({}), ''],
    ['with an empty one', () => ({ 'last-event-id': '' }), ''],
    ['with one that is no number', () => ({ 'last-event-id': 'abc' }), ''],
    ['with 0', () => ({ 'last-event-id': '0' }), ''],
    ['with the event before the last', (last) => ({ 'last-event-id': String(last - 1) }), ''],
  ])('is sent to its end for a request %s, and is 204 afterwards', async (_, headersOf, query) => {
    const { jobId, last } = await ended();
    const first = await stream(jobId, headersOf(last), query);
    expect(first.status).toBe(200);
    expect(first.headers.get('content-type')).toContain('text/event-stream');
    const ids = [...(await first.text()).matchAll(/^id: (\d+)$/gm)].map(([, id]) => id!);
    expect(ids.at(-1)).toBe(String(last));
    const again = await stream(jobId, { 'last-event-id': ids.at(-1)! });
    expect(again.status).toBe(204);
  });

  test('is 204 with the query parameter last_event_id too, for clients that cannot set headers', async () => {
    const { jobId, last } = await ended();
    expect((await stream(jobId, {}, `?last_event_id=${last}`)).status).toBe(204);
    expect((await stream(jobId, {}, '?last_event_id=1')).status).toBe(200);
  });

  test('is 204 for a cancelled job after a restart of the core', async () => {
    fixture.small.script(routed);
    fixture.large.script(stallsAfter('반쪽'));
    const jobId = await fixture.client.submit({ message: '왜 하늘은 파래?' });
    await until(async () => (await fixture.core.jobService.text(jobId)).text === '반쪽');
    // A client that has seen all events so far waits for more.
    const soFar = (await fixture.client.events(jobId)).at(-1)!.seq;
    const waiting = await stream(jobId, { 'last-event-id': String(soFar) });
    expect(waiting.status).toBe(200);
    await fixture.client.controlJob(jobId, 'cancel');
    expect(await waiting.text()).toContain('event: cancelled');
    const last = (await fixture.client.events(jobId)).at(-1)!.seq;
    await fixture.restart();
    expect((await stream(jobId, { 'last-event-id': String(last) })).status).toBe(204);
  });

  test('ends the follow call of a client that has seen the last event', async () => {
    const { jobId, last } = await ended();
    const { signal } = new AbortController();
    const seen: number[] = [];
    await fixture.client.follow(
      jobId,
      { event: ({ seq }) => void seen.push(seq), token: () => undefined, lost: () => undefined },
      signal,
      last,
    );
    expect(seen).toEqual([]);
  });
});

const chromium = prepareChromium();

test.skipIf(chromium === null)(
  'the EventSource of a browser reads a job to its end and closes at the 204',
  { timeout: 60_000 },
  async () => {
    const { jobId, last } = await ended();
    // A proxy serves the page from the origin of the stream and records the requests.
    const asked: (string | undefined)[] = [];
    const proxy = createServer((request, response) => {
      if (request.url !== '/stream') {
        response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
        return;
      }
      const id = request.headers['last-event-id'];
      asked.push(typeof id === 'string' ? id : undefined);
      const headers: Record<string, string> = typeof id === 'string' ? { 'last-event-id': id } : {};
      void stream(jobId, headers).then(async (answer) => {
        response.writeHead(answer.status, { 'content-type': 'text/event-stream' });
        // Browsers reconnect after 3 s by default; `retry` shortens this to 20 ms.
        response.end(answer.status === 200 ? `retry: 20\n\n${await answer.text()}` : undefined);
      });
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    onTestFinished(() => proxy.close().closeAllConnections());
    const browser = await launchChromium(chromium!);
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/`);
    const closed = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const source = new EventSource('/stream');
          source.addEventListener('error', () => {
            if (source.readyState === EventSource.CLOSED) resolve(source.readyState);
          });
        }),
    );
    expect(closed).toBe(2);
    expect(asked).toEqual([undefined, String(last)]);
  },
);
