/** Every failure of a backend, caused over a real connection, and the error reason that the caller gets. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ErrorReason } from '#shared/model/model';
import type { BackendTimeouts } from '#models/backend-config';
import {
  breaksAfter,
  cutsAfter,
  endless,
  fails,
  loading,
  raw,
  says,
  saysNothing,
  stalls,
  stallsAfter,
  thinksOnly,
  type FakeReply,
} from '#test/support/fake-llm-replies';
import { startFullBacklog } from '#test/support/full-backlog';
import { createOneSlotGate } from './one-slot-gate.ts';
import {
  modelRequest,
  backendFor,
  textCollector,
  configFor,
  failureOf,
  fakeLlm,
  foregroundOptions,
} from './backend-fixture.ts';

interface Case {
  reason: ErrorReason;
  when: string;
  reply: FakeReply;
  timeoutsMs?: Partial<BackendTimeouts>;
  partialText?: string;
  status?: number | null;
  permit?: 'failed' | 'drained';
}

const cases: Case[] = [
  {
    reason: 'connection_lost',
    when: 'the server resets the connection mid-answer',
    reply: cutsAfter('반쪽', 'reset'),
    partialText: '반쪽',
  },
  {
    reason: 'truncated',
    when: 'the stream ends without a finish_reason',
    reply: cutsAfter('반쪽'),
    partialText: '반쪽',
  },
  {
    reason: 'timeout_first_token',
    when: 'no token comes, though headers and comments do',
    reply: stalls(),
    timeoutsMs: { firstToken: 500 },
    permit: 'drained',
  },
  {
    reason: 'timeout_idle',
    when: 'the answer stops in the middle',
    reply: stallsAfter('반쪽'),
    timeoutsMs: { idle: 500 },
    partialText: '반쪽',
    permit: 'drained',
  },
  {
    reason: 'timeout_total',
    when: 'tokens come for longer than allowed',
    reply: says('가 '.repeat(10_000), { wordMs: 5 }),
    timeoutsMs: { total: 800 },
    permit: 'drained',
  },
  {
    reason: 'http_5xx',
    when: 'the server fails',
    reply: fails(500, { error: 'boom' }),
    status: 500,
  },
  {
    reason: 'http_4xx',
    when: 'the server does not want the request',
    reply: fails(400, { error: { message: 'bad' } }),
    status: 400,
  },
  { reason: 'loading', when: 'the server still loads its model', reply: loading(), status: 503 },
  {
    reason: 'upstream_stream_error',
    when: 'the server reports an error mid-answer',
    reply: breaksAfter('반쪽'),
    partialText: '반쪽',
  },
  {
    reason: 'bad_chunk',
    when: 'the server sends what is no JSON',
    reply: raw('data: {oops\n\ndata: [DONE]\n\n'),
    permit: 'drained',
  },
  { reason: 'empty_answer', when: 'the server says nothing', reply: saysNothing() },
  { reason: 'unclosed_thinking', when: 'the server never ends its thinking', reply: thinksOnly() },
  { reason: 'answer_too_long', when: 'the server never ends', reply: endless(), permit: 'drained' },
  {
    reason: 'queue_full',
    when: 'the server is overrun itself',
    reply: fails(429, {}, { 'retry-after': '3' }),
    status: 429,
  },
];

describe('a failure of the server', () => {
  test.each(cases)('is reported as $reason when $when', async (each) => {
    const llm = await fakeLlm();
    llm.script(each.reply);
    const gate = createOneSlotGate();
    const backend = backendFor(configFor(llm.baseUrl, { timeoutsMs: each.timeoutsMs ?? {} }), gate);
    const seen = textCollector();
    const outcome = failureOf(
      await backend.run(modelRequest('x', { maxTokens: 1000 }), foregroundOptions(seen)),
    );
    expect(outcome).toMatchObject({ errorReason: each.reason, backend: 'fake' });
    if (each.partialText !== undefined) expect(outcome.partialText).toBe(each.partialText);
    if (each.status !== undefined) expect(outcome.status).toBe(each.status);
    expect(gate.ends).toEqual([each.permit ?? 'failed']);
    expect(outcome.partialText.startsWith(seen.text)).toBe(true);
    await llm.requests[0]?.closed;
    // The backend serves the next request as usual.
    expect(await backend.run(modelRequest('x'), foregroundOptions())).toMatchObject({
      ok: true,
      text: 'answer',
    });
  });

  test('has the time of the Retry-After header as retryAfterMs', async () => {
    const llm = await fakeLlm();
    llm.script(fails(429, {}, { 'retry-after': '3' }));
    const outcome = failureOf(
      await backendFor(configFor(llm.baseUrl)).run(modelRequest('x'), foregroundOptions()),
    );
    expect(outcome.retryAfterMs).toBe(3000);
  });

  test('is reported as http_5xx when mlx-lm answers 404, and as http_4xx when ollama does', async () => {
    const llm = await fakeLlm({ reply: fails(404, { error: 'model did not load' }) });
    const reasons = [];
    for (const kind of ['mlx-lm', 'ollama'] as const) {
      const outcome = await backendFor(configFor(llm.baseUrl, { kind })).run(
        modelRequest('x'),
        foregroundOptions(),
      );
      reasons.push(failureOf(outcome).errorReason);
    }
    expect(reasons).toEqual(['http_5xx', 'http_4xx']);
  });
});

describe('a server that cannot be reached', () => {
  test('is reported as connect_refused when nothing listens', async () => {
    const llm = await fakeLlm();
    const gate = createOneSlotGate();
    const backend = backendFor(configFor(llm.baseUrl), gate);
    await llm.refuse();
    const outcome = failureOf(await backend.run(modelRequest('x'), foregroundOptions()));
    expect(outcome).toMatchObject({ errorReason: 'connect_refused', status: null });
    expect(gate.ends).toEqual(['unreachable']);
    await llm.listen();
    expect(await backend.run(modelRequest('x'), foregroundOptions())).toMatchObject({ ok: true });
  });

  test('is reported as connect_timeout when the connection hangs', async () => {
    const backlog = await startFullBacklog();
    onTestFinished(() => backlog.close());
    const gate = createOneSlotGate();
    const config = configFor(`http://127.0.0.1:${backlog.port}/v1`, {
      timeoutsMs: { connect: 80 },
    });
    const outcome = failureOf(
      await backendFor(config, gate).run(modelRequest('x'), foregroundOptions()),
    );
    expect(outcome.errorReason).toBe('connect_timeout');
    expect(gate.ends).toEqual(['unreachable']);
  });

  test('is reported as dns when its name is not known', async () => {
    // Longer than a DNS label may be: no resolver is queried.
    const config = configFor(`http://${'x'.repeat(64)}.invalid/v1`);
    expect(
      failureOf(await backendFor(config).run(modelRequest('x'), foregroundOptions())).errorReason,
    ).toBe('dns');
  });

  test('is reported as connection_lost when it disconnects before it answers', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const backend = backendFor(configFor(`http://127.0.0.1:${port}/v1`));
    expect(failureOf(await backend.run(modelRequest('x'), foregroundOptions())).errorReason).toBe(
      'connection_lost',
    );
  });

  test('is reported as connect_refused, with the reason, on a port that HTTP clients refuse', async () => {
    const outcome = await backendFor(configFor('http://127.0.0.1:6000/v1')).run(
      modelRequest('x'),
      foregroundOptions(),
    );
    expect(failureOf(outcome)).toMatchObject({ errorReason: 'connect_refused' });
    expect(failureOf(outcome).message).toContain('port');
  });
});

describe('a refusal of the gate', () => {
  const refusals = ['queue_full', 'deadline', 'breaker_open', 'cancelled'] as const;
  test.each(refusals)(
    'is reported as %s, and nothing is sent to the server',
    async (errorReason) => {
      const llm = await fakeLlm();
      const gate = createOneSlotGate();
      gate.refuse({ ok: false, errorReason, retryAfterMs: 1234 });
      const outcome = failureOf(
        await backendFor(configFor(llm.baseUrl), gate).run(modelRequest('x'), foregroundOptions()),
      );
      expect(outcome).toMatchObject({
        errorReason,
        retryAfterMs: 1234,
        status: null,
        partialText: '',
      });
      expect(llm.requests).toEqual([]);
    },
  );
});

test('the message of a failure never contains the API key or control characters', async () => {
  const llm = await fakeLlm();
  llm.script(fails(401, { error: 'key sk-secret is\nwrong' }));
  const backend = backendFor(configFor(llm.baseUrl, { apiKey: 'sk-secret' }));
  const { message } = failureOf(await backend.run(modelRequest('x'), foregroundOptions()));
  expect(message).toContain('key … is wrong');
  expect(llm.requests[0]?.headers.authorization).toBe('Bearer sk-secret');
});
