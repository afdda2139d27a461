/** Bodies and headers at `POST /mcp` as real clients and broken ones send them. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { doorTools } from '#http/mcp/door-tools';
import { nearly, runs, wildBody, wildText } from '#test/security/fuzz';
import { json, keyedCore, keys, openKeyedCore, type KeyedCore } from '#test/security/keys';
import { direct } from '#test/support/core';

let core: KeyedCore;
beforeAll(async () => {
  core = await openKeyedCore({ requestsPerMinute: 1_000_000, openRequests: 0 });
});
afterAll(() => core.close());

const both = 'application/json, text/event-stream';

const post = (
  body: unknown,
  headers: Record<string, string> = {},
  key: string | null = keys.ann,
): Promise<Response> =>
  fetch(`${core.core.url}/mcp`, {
    method: 'POST',
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      accept: both,
      ...headers,
    },
    body:
      typeof body === 'string' || body instanceof Uint8Array
        ? (body as string)
        : JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });

const initialize = (protocolVersion: string) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'old', version: '1' } },
});
const list = (id: unknown = 1) => ({ jsonrpc: '2.0', id, method: 'tools/list' });

/** The messages of a response, of either form. */
async function messagesOf(response: Response): Promise<Record<string, any>[]> {
  const text = await response.text();
  if (!response.headers.get('content-type')?.includes('event-stream'))
    return [JSON.parse(text)].flat();
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)) as Record<string, any>);
}

describe('a client of an older protocol', () => {
  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
    '%s is served in it',
    async (version) => {
      const answer = await post(initialize(version));
      const session = answer.headers.get('mcp-session-id')!;
      expect(session).toMatch(/^[\x21-\x7e]+$/);
      expect((await messagesOf(answer))[0]?.['result'].protocolVersion).toBe(version);
      const headers = { 'mcp-session-id': session, 'mcp-protocol-version': version };
      const note = await post({ jsonrpc: '2.0', method: 'notifications/initialized' }, headers);
      expect([note.status, await note.text()]).toEqual([202, '']);
      const [ping] = await messagesOf(
        await post({ jsonrpc: '2.0', id: 'p', method: 'ping' }, headers),
      );
      expect(ping).toMatchObject({ id: 'p', result: {} });
      const [listed] = await messagesOf(await post(list(2), headers));
      expect(listed?.['result'].tools.length).toBe(8);
    },
  );

  test('of an unknown version is offered one that is known', async () => {
    const [answer] = await messagesOf(await post(initialize('1999-01-01')));
    expect(answer?.['result'].protocolVersion).toBe('2025-11-25');
    const refused = await post(list(), { 'mcp-protocol-version': '1999-01-01' });
    expect([refused.status, (await json(refused))['error'].data.code]).toEqual([
      400,
      'GH_REQUEST_INVALID',
    ]);
  });

  test('that names a session of another process is served: there are none', async () => {
    const [answer] = await messagesOf(await post(list(), { 'mcp-session-id': 'of-yesterday' }));
    expect(answer?.['result'].tools.length).toBe(8);
  });
});

describe('the form of an answer', () => {
  test.each([
    ['application/json', 'application/json'],
    ['text/event-stream', 'text/event-stream'],
    [both, 'text/event-stream'],
    ['*/*', 'text/event-stream'],
  ])('for a client that accepts %s is %s', async (accept, type) => {
    const answer = await post(list(), { accept });
    expect(answer.headers.get('content-type')).toContain(type);
    expect((await messagesOf(answer))[0]?.['result'].tools.length).toBe(8);
  });

  test('is JSON without progress for a client that accepts only JSON', async () => {
    core.small.script(direct('네'));
    const params = { name: 'chat', arguments: { message: '안녕' }, _meta: { progressToken: 1 } };
    const answer = await post(
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
      { accept: 'application/json' },
    );
    expect((await json(answer))['result'].structuredContent.reply).toBe('네');
  });

  test('of a batch has one message for each request', async () => {
    const answers = await messagesOf(
      await post([list(1), list('b'), { jsonrpc: '2.0', method: 'x' }]),
    );
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([1, 'b']));
    for (const batch of [[], Array.from({ length: 101 }, (_, id) => list(id))]) {
      expect((await post(batch)).status).toBe(400);
    }
  });

  test('to GET and DELETE is 405 with Allow', async () => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await core.call('ann', method, '/mcp');
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
      await answer.body?.cancel();
    }
  });
});

test('each message of a batch counts as a request', async () => {
  const limited = await keyedCore({ requestsPerMinute: 30 });
  const batch = JSON.stringify(Array.from({ length: 40 }, (_, id) => list(id)));
  const answer = await limited.call('ann', 'POST', '/mcp', batch);
  expect([answer.status, (await json(answer))['error'].data.code]).toEqual([
    429,
    'GH_REQUEST_TOO_MANY',
  ]);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
});

describe('a request that is refused', () => {
  test.each([
    ['without a key', {}, null, 401, 'GH_REQUEST_UNAUTHORIZED'],
    ['with a wrong key', {}, 'wrong', 401, 'GH_REQUEST_UNAUTHORIZED'],
    [
      'from another site',
      { origin: 'https://evil.example' },
      keys.ann,
      401,
      'GH_REQUEST_UNAUTHORIZED',
    ],
  ] as const)('%s gets a JSON-RPC error with a code', async (_, headers, key, status, code) => {
    const answer = await post(list(), headers, key);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(await json(answer)).toMatchObject({
      jsonrpc: '2.0',
      id: null,
      error: { data: { code } },
    });
  });

  test.each([
    ['no JSON', 'hello', 400, 'GH_REQUEST_NOT_JSON'],
    ['no UTF-8', new Uint8Array([0xff, 0xfe]), 400, 'GH_REQUEST_NOT_JSON'],
    ['a body of 3 MB', 'x'.repeat(3 * 1024 * 1024), 413, 'GH_REQUEST_TOO_LARGE'],
    ['deep nesting', `${'['.repeat(500)}${']'.repeat(500)}`, 400, 'GH_REQUEST_INVALID'],
    ['no body', '', 400, 'GH_REQUEST_INVALID'],
    ['the id null', list(null), 400, 'GH_REQUEST_INVALID'],
    ['the user of another', { ...list(), user_id: 'bob' }, 403, 'GH_REQUEST_FORBIDDEN'],
  ])('for %s gets a JSON-RPC error with a code', async (_, body, status, code) => {
    const answer = await post(body);
    expect({ status: answer.status, body: await json(answer) }).toMatchObject({
      status,
      body: { jsonrpc: '2.0', error: { data: { code } } },
    });
  });
});

test('random messages are answered without an internal error, and reach the tools', async () => {
  const word = fc.constantFrom('안녕', 'yes', '확인', '예산');
  const name = fc.constantFrom(...doorTools.map((tool) => tool.name));
  const input = nearly({
    message: word,
    query: word,
    job_id: word,
    id: word,
    text: word,
    wait_seconds: fc.constantFrom(0, 0.1),
    conversation: fc.constantFrom('a', 'b'),
    limit: fc.nat(3),
    cursor: wildText,
  });
  const version = fc.constantFrom('2026-07-28', '1');
  const meta = nearly({
    progressToken: word,
    'io.modelcontextprotocol/protocolVersion': version,
  });
  const message = {
    jsonrpc: fc.constant('2.0'),
    id: fc.oneof(fc.nat(5), word),
    method: fc.constantFrom('tools/call', 'tools/list', 'ping', 'notifications/cancelled'),
    params: nearly({ name, arguments: input, requestId: fc.nat(5), _meta: meta }),
  };
  const call = fc
    .tuple(name, input)
    .map(([tool, args]) => ({ name: tool, arguments: args }))
    .map((params) => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }));
  const header = fc.oneof(
    fc.constantFrom('', 'tools/call', '2025-11-25', '2026-07-28', 'x'),
    wildText.map((text) => text.replaceAll(/[^\x21-\x7e]/g, '')),
  );
  const headers = fc.record(
    {
      accept: fc.constantFrom('', 'application/json', both, 'text/html'),
      'mcp-session-id': header,
      'mcp-protocol-version': header,
      'mcp-method': header,
      'mcp-name': header,
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(wildBody(message), call),
      fc.oneof(fc.constant({}), headers),
      async (body, given) => {
        const answer = await post(body, given);
        const text = await answer.text();
        const where = `${answer.status} ${text.slice(0, 300)}`;
        expect(answer.status, where).toBeLessThan(500);
        expect(text, where).not.toMatch(/GH_JOB_BUG/);
        if (answer.status >= 400) expect(text, where).toContain('GH_');
      },
    ),
    runs(400),
  );
  const { jobs } = await json(core.call('ann', 'GET', '/jobs?channel=mcp&limit=500'));
  expect((jobs as unknown[]).length).toBeGreaterThan(10);
  const { end } = await core.ask('안녕하세요', { user_id: 'sound' });
  expect(end.type).toBe('done');
});
