/** Input made to break the inspector: deeply nested JSON, and addresses with broken escapes. */
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '#test/support/journal';
import { openInspector, type InspectorFixture } from '../inspector-fixture.ts';
import { openSocketClient } from './socket-client.ts';

let fixture: InspectorFixture;
beforeEach(async () => {
  fixture = await openInspector();
});
afterEach(() => fixture.close());

const nests: [string, (depth: number) => string][] = [
  ['lists', (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`],
  ['objects', (depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`],
  ['lists in objects', (depth) => `${'{"a":['.repeat(depth)}1${']}'.repeat(depth)}`],
];
const post = (path: string, body: string): Promise<Response> =>
  fetch(`${fixture.url}${path}`, { method: 'POST', body });

describe.each(nests)('JSON of nested %s', (_name, nest) => {
  test.each([101, 1_000, 5_000, 40_000])(
    'at a depth of %i is refused by what-if',
    async (depth) => {
      const jobId = await fixture.send('왜?');
      const event = `{"type":"edit","by":"user","changes":${nest(depth)}}`;
      const answer = await post(`/inspect/api/jobs/${jobId}/what-if`, `{"n":2,"event":${event}}`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        code: 'GH_REQUEST_INVALID',
        detail: expect.stringContaining('100 levels'),
      });
    },
  );

  test('is refused by POST /chat', async () => {
    const answer = await post('/chat', `{"message":"a","more":${nest(5_000)}}`);
    expect(answer.status).toBe(400);
  });

  test('from another program on the socket reaches no reader, and its next message does', async () => {
    const page = await openSocketClient(fixture.url);
    page.send({ type: 'gatehouse.guests', on: true });
    const reader = await openSocketClient(fixture.url, { protocols: [] });
    const program = await openSocketClient(fixture.url, { protocols: [] });
    const envelope = '"type":"@xstate.actor","_version":"0.7.2","rootId":"x","createdAt":"1"';
    program.socket.send(`{${envelope},"sessionId":"deep","snapshot":${nest(20_000)}}`);
    program.socket.send(`{${envelope},"sessionId":"flat","snapshot":{"value":"on"}}`);
    await until(() => page.count('gatehouse.guest') === 1);
    await until(() => reader.count('@xstate.actor') === 1);
    expect(reader.received.at(-1)).toMatchObject({ sessionId: 'flat' });
  });
});

test('a what-if event nested 50 deep is tried, and the answer contains the whole event', async () => {
  const jobId = await fixture.send('왜?');
  const event = { type: 'unknown', deep: JSON.parse(nests[0]![1](50)) as unknown };
  const answer = await post(`/inspect/api/jobs/${jobId}/what-if`, JSON.stringify({ n: 2, event }));
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ ok: true, isHandled: false, frame: { event } });
});

test.each([
  ['/inspect/%', 404],
  ['/inspect/assets/%', 404],
  ['/inspect/assets/%E0%A4%A', 404],
  ['/inspect/assets/..%2findex.html', 404],
  ['/inspect/assets/__proto__', 404],
  ['/inspect/api/jobs/%/choices?n=1', 404],
  ['/inspect/api/jobs/%ff/choices?n=1', 404],
  ['/inspect/api/jobs/%00/choices?n=1', 404],
  ['/inspect/api/charts/%E0', 404],
  ['/inspect/api/charts/constructor', 404],
  ['/inspect/api/jobs?q=%', 200],
  ['/inspect/api/jobs?q=%E0%A4%A&user_id=%ff', 200],
  ['/inspect/api/jobs?cursor=%zz', 400],
  ['/inspect/ws?key=%', 404],
])('the address %s is answered with %i', async (path, status) => {
  // Not with fetch, which normalises an address before it sends it.
  const { hostname, port } = new URL(fixture.url);
  const got = await new Promise<number | undefined>((resolve, reject) => {
    const asked = request({ hostname, port, path, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('error', reject).end();
  });
  expect(got).toBe(status);
});

test('a socket whose address has a broken escape is opened', async () => {
  const onlooker = await openSocketClient(fixture.url, { query: '?key=%&x=%E0%A4%A' });
  await until(() => onlooker.count('gatehouse.hello') === 1);
});
