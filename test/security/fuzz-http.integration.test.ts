/**
 * Random input to every route and to the socket: the answer gives a reason, is never an internal error, and the core
 * keeps running.
 */
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { openCore, type CoreFixture } from '#test/support/core';
import { says } from '#test/support/fake-llm-replies';
import { startFakeLlm } from '#test/support/fake-llm';
import { until } from '#test/support/journal';
import { runs, wildBody, wildText } from './fuzz.ts';

/** The valid fields of bodies; every route gets the fields of all routes. */
const word = fc.constantFrom('안녕', 'hello', '예산');
const fields: Record<string, fc.Arbitrary<unknown>> = {
  message: word,
  user_id: fc.constantFrom('ann', 'local'),
  channel: fc.constantFrom('http', 'a'),
  thread: fc.constantFrom('t', 'a b'),
  attachment: fc.record({ name: word, text: word }),
  idempotency_key: fc.constantFrom('k', 'l'),
  title: word,
  text: word,
  query: word,
  debug: fc.boolean(),
  backend: fc.constantFrom('small', 'none'),
  base_version: fc.nat(3),
  md_content: word,
  ics: fc.constantFrom('BEGIN:VCALENDAR\r\nEND:VCALENDAR', 'BEGIN:VEVENT'),
  paths: fc.constantFrom(['/nowhere'], [], ['']),
  n: fc.nat(3),
  event: fc.record({ type: fc.constantFrom('cancel', 'xstate.init', 'confirm', '*') }),
  model: fc.constantFrom('gatehouse', 'small', 'none'),
  messages: fc.array(fc.record({ role: fc.constantFrom('user', 'tool'), content: word }), {
    maxLength: 2,
  }),
  stream: fc.boolean(),
  tools: fc.constantFrom([], [{ type: 'function', function: { name: 'x' } }]),
  metadata: fc.record({ conversation: word }),
};

async function sturdyCore(): Promise<CoreFixture> {
  const model = await startFakeLlm({ reply: says('네') });
  const { baseUrl } = model;
  const fixture = await openCore({
    backends: [{ id: 'small', baseUrl, model: 'm' }],
    roles: {},
    jobs: { maxConcurrent: 20, maxQueued: 2_000 },
  });
  onTestFinished(async () => {
    await fixture.close();
    await model.close();
  });
  return fixture;
}

/** The core still answers, and every accepted job has ended or waits for a person (P1). */
async function expectSound(fixture: CoreFixture): Promise<void> {
  const { end } = await fixture.ask('안녕하세요', { channel: 'sound' });
  expect(end.type).toBe('done');
  await until(async () => {
    const answer = await fetch(`${fixture.core.url}/jobs?limit=500`);
    const { jobs } = (await answer.json()) as { jobs: { outcome: unknown; state: string }[] };
    return jobs.every(({ outcome, state }) => outcome !== null || state === 'confirm-draft');
  });
  expect(await (await fetch(`${fixture.core.url}/healthz`)).json()).toEqual({ status: 'ok' });
}

const isFaultless = (status: number, text: string): boolean =>
  status < 600 && status >= 200 && !/GH_JOB_BUG|GH_[A-Z]+_BUG/.test(text) && status !== 500;

/** Sends a request and reads the beginning of the answer: streams would not end. */
async function tried(url: string, init: RequestInit): Promise<{ status: number; text: string }> {
  const abort = new AbortController();
  const answer = await fetch(url, {
    ...init,
    signal: AbortSignal.any([abort.signal, AbortSignal.timeout(20_000)]),
  });
  const isStream = answer.headers.get('content-type')?.includes('event-stream') === true;
  const text = isStream ? '' : await answer.text();
  abort.abort();
  return { status: answer.status, text };
}

const ids = fc.oneof(
  fc.constantFrom('01JZZZZZZZZZZZZZZZZZZZZZZZ', 'a', '0', '__proto__'),
  wildText.filter((text) => text !== '' && text.length < 200),
);
const segment = (id: string): string => encodeURIComponent(id.toWellFormed());

describe('random bytes as the body', () => {
  test('of any route with a body are answered without an internal error, and the core keeps running', async () => {
    const fixture = await sturdyCore();
    const routes = fixture.core.routes.filter(({ method }) => !['GET', 'HEAD'].includes(method));
    expect(routes.length).toBeGreaterThan(15);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        ids,
        wildBody(fields),
        async ({ method, path }, id, body) => {
          const url = `${fixture.core.url}${path.replace(/:\w+/g, () => segment(id))}`;
          const { status, text } = await tried(url, { method, body });
          expect(isFaultless(status, text), `${method} ${path}: ${status} ${text}`).toBe(true);
          if (status >= 400) expect(text).toContain('GH_');
        },
      ),
      runs(500),
    );
    await expectSound(fixture);
  });
});

describe('a random query, id and Last-Event-ID header', () => {
  test('of any GET route are answered without an internal error, and the core keeps running', async () => {
    const fixture = await sturdyCore();
    const { jobId } = await fixture.ask('안녕');
    const routes = fixture.core.routes.filter(({ method }) => method === 'GET');
    const names = fc.constantFrom(
      'q',
      'limit',
      'cursor',
      'user_id',
      'state',
      'from',
      'n',
      'redact',
    );
    const pair = fc.tuple(fc.oneof(names, wildText), fc.oneof(wildText, fc.integer().map(String)));
    const query = fc.oneof(
      fc
        .array(pair, { maxLength: 4 })
        .map((pairs) =>
          pairs.map(([name, value]) => `${segment(name)}=${segment(value)}`).join('&'),
        ),
      fc.string({ maxLength: 40 }).map((text) => text.replace(/[\s#]/g, '+')),
    );
    const seen = fc.oneof(
      fc.constantFrom('0', '-1', '1e3', 'NaN', '9007199254740993', '0x10', ' 1', '1;2', '∞'),
      fc.integer().map(String),
      fc.string({ maxLength: 30 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...routes),
        fc.oneof(ids, fc.constant(jobId)),
        query,
        seen,
        async ({ path }, id, search, last) => {
          const url = `${fixture.core.url}${path.replace(/:\w+/g, () => segment(id))}?${search}`;
          // The client does not send characters that a header cannot contain.
          const headers = { 'last-event-id': last.replace(/[^\x20-\x7e]/g, '~') };
          const { status, text } = await tried(url, { headers });
          expect(isFaultless(status, text), `${path}?${search}: ${status} ${text}`).toBe(true);
        },
      ),
      runs(500),
    );
    await expectSound(fixture);
  });
});

describe('random messages to the socket of the inspector', () => {
  test('do not stop the core', async () => {
    const fixture = await sturdyCore();
    const { jobId } = await fixture.ask('안녕');
    const url = `${fixture.core.url.replace('http', 'ws')}/inspect/ws`;
    const open = async (protocol: string[]): Promise<WebSocket> => {
      const socket = new WebSocket(url, protocol);
      onTestFinished(() => socket.terminate());
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.once('open', resolve));
      return socket;
    };
    const type = fc.constantFrom(
      ...['watch', 'jobs', 'gates', 'guests'].map((name) => `gatehouse.${name}`),
      '@xstate.actor',
      '@xstate.event',
      '@xstate.snapshot',
      '__proto__',
    );
    const message = fc.oneof(
      fc
        .record(
          {
            type,
            jobId: fc.constantFrom(jobId, null, 'x', 1),
            afterN: fc.oneof(fc.integer(), fc.double()),
            on: fc.oneof(fc.boolean(), fc.string()),
            _version: fc.constant('1'),
            sessionId: fc.jsonValue(),
            snapshot: fc.jsonValue(),
          },
          { requiredKeys: ['type'] },
        )
        .map((one) => JSON.stringify(one)),
      wildText,
      fc.json(),
      fc.uint8Array({ maxLength: 200 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<string[]>(['gatehouse.v1'], []),
        fc.array(message, { minLength: 1, maxLength: 20 }),
        async (protocol, messages) => {
          const socket = await open(protocol);
          for (const one of messages) socket.send(one);
          await new Promise((resolve) => {
            socket.once('close', resolve);
            socket.close();
          });
        },
      ),
      runs(60),
    );
    await expectSound(fixture);
  });
});
