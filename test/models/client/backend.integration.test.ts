import { describe, expect, onTestFinished, test } from 'vitest';
import { createBackend } from '#models/client/backend';
import type { ModelRequest } from '#shared/model/model';
import type { QueuePosition } from '#machines/job-types';
import {
  after,
  calls,
  fails,
  frame,
  chunk,
  raw,
  says,
  saysJson,
  stalls,
  stallsAfter,
  thinks,
} from '#test/support/fake-llm-replies';
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

const schema = { name: 'answer', schema: { type: 'object' } };
const tools: NonNullable<ModelRequest['tools']> = [
  { type: 'function', function: { name: 'search', description: 'd', parameters: {} } },
];

describe('an answer of a backend', () => {
  test('streams in order and is returned whole, with usage and timings', async () => {
    const llm = await fakeLlm();
    llm.script(says('안녕하세요 반갑습니다'));
    const gate = createOneSlotGate();
    const seen = textCollector();
    const outcome = await backendFor(configFor(llm.baseUrl), gate).run(
      modelRequest('x'),
      foregroundOptions(seen),
    );
    expect(outcome).toMatchObject({
      ok: true,
      backend: 'fake',
      text: '안녕하세요 반갑습니다',
      toolCalls: [],
      finishReason: 'stop',
      usage: { promptTokens: 7, completionTokens: 2, cachedTokens: null },
    });
    expect(seen.pieces).toEqual(['안녕하세요 ', '반갑습니다']);
    expect(outcome.timings.firstTokenMs).toBeLessThanOrEqual(outcome.timings.totalMs);
    expect(gate.ends).toEqual(['ok']);
  });

  test('has the time of the first visible token as firstTokenMs, not of the thinking', async () => {
    const llm = await fakeLlm();
    llm.script(thinks('음 그러니까', '답'));
    const times = [1_000, 1_000, 1_700, 1_900];
    const clock = { now: () => times.shift() ?? 1_900 };
    const backend = createBackend({
      config: configFor(llm.baseUrl),
      gate: createOneSlotGate(),
      clock,
    });
    onTestFinished(() => backend.close());
    const outcome = await backend.run(modelRequest('x'), foregroundOptions());
    expect(outcome).toMatchObject({ text: '답', timings: { firstTokenMs: 700, totalMs: 900 } });
  });

  test('may take longer than the timeouts firstToken and idle as long as tokens arrive', async () => {
    const llm = await fakeLlm();
    llm.script(says('하나 둘 셋 넷 다섯 여섯 일곱 여덟', { wordMs: 100 }));
    const config = configFor(llm.baseUrl, { timeoutsMs: { firstToken: 500, idle: 500 } });
    expect(await backendFor(config).run(modelRequest('x'), foregroundOptions())).toMatchObject({
      ok: true,
    });
  });

  test('has no timeout where the timeout is 0', async () => {
    const llm = await fakeLlm();
    llm.script(says('하나 둘', { wordMs: 10 }));
    const none = { connect: 0, firstToken: 0, idle: 0, total: 0 };
    const config = configFor(llm.baseUrl, { timeoutsMs: none });
    expect(await backendFor(config).run(modelRequest('x'), foregroundOptions())).toMatchObject({
      text: '하나 둘',
    });
  });

  test('is complete at the finish_reason even if the server keeps the stream open', async () => {
    const llm = await fakeLlm();
    llm.script(async (exchange) => {
      exchange.response.writeHead(200, { 'content-type': 'text/event-stream' });
      exchange.response.write(frame(chunk({ content: '답' })) + frame(chunk({}, 'stop')));
      await new Promise((resolve) => exchange.gone.addEventListener('abort', resolve));
    });
    const outcome = await backendFor(configFor(llm.baseUrl)).run(
      modelRequest('x'),
      foregroundOptions(),
    );
    expect(outcome).toMatchObject({ ok: true, text: '답' });
    expect((await llm.requests[0]?.closed)?.closedBy).toBe('client');
  });

  test('with a close tag but no open tag is replaced once, and held back in the next request', async () => {
    const thinking = 'data: {"choices":[{"delta":{"content":"생각 중"}}]}\n\n';
    const rest = frame(chunk({ content: '</think>답' })) + frame(chunk({}, 'stop'));
    const llm = await fakeLlm({ reply: raw(thinking + rest) });
    const backend = backendFor(configFor(llm.baseUrl));
    const first = textCollector();
    const second = textCollector();
    await backend.run(modelRequest('x'), foregroundOptions(first));
    await backend.run(modelRequest('x'), foregroundOptions(second));
    expect(first.pieces).toEqual(['생각 중', '', '답']);
    expect(second.pieces).toEqual(['답']);
  });
});

describe('the request to a model server', () => {
  test('always requests a stream, has a token limit and a temperature, and contains no null', async () => {
    const llm = await fakeLlm();
    await backendFor(configFor(llm.baseUrl)).run(modelRequest('안녕'), foregroundOptions());
    const body = llm.requests[0]?.body;
    expect(body).toEqual({
      model: 'fake-model',
      messages: [{ role: 'user', content: '안녕' }],
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 4096,
      temperature: 0.7,
    });
  });

  test('has the schema if the server supports it; for mlx-lm it has none, and a fixed model name', async () => {
    const llm = await fakeLlm({ reply: saysJson({ action: 'direct' }) });
    for (const kind of ['llama.cpp', 'mlx-lm'] as const) {
      await backendFor(configFor(llm.baseUrl, { kind })).run(
        modelRequest('x', { jsonSchema: schema }),
        foregroundOptions(),
      );
    }
    const [llama, mlx] = llm.requests.map((request) => request.body);
    expect(llama).toMatchObject({
      temperature: 0,
      response_format: { type: 'json_schema', json_schema: { ...schema, strict: true } },
    });
    expect(mlx).not.toHaveProperty('response_format');
    expect(mlx?.model).toBe('default_model');
  });

  test('is repeated without the schema if the server refuses it, and later requests omit it', async () => {
    const llm = await fakeLlm({ reply: saysJson({ action: 'direct' }) });
    llm.script(fails(400, { error: 'Unable to generate parser for this schema' }));
    const gate = createOneSlotGate();
    const backend = backendFor(configFor(llm.baseUrl), gate);
    const request = modelRequest('x', { jsonSchema: schema });
    expect(await backend.run(request, foregroundOptions())).toMatchObject({ ok: true });
    expect(await backend.run(request, foregroundOptions())).toMatchObject({ ok: true });
    expect(llm.requests.map(({ body }) => 'response_format' in body)).toEqual([true, false, false]);
    expect(gate.ends).toEqual(['ok', 'ok']);
  });

  test('turns thinking off with the parameter of each backend kind', async () => {
    const llm = await fakeLlm();
    for (const kind of ['ollama', 'llama.cpp', 'mlx-vlm'] as const) {
      await backendFor(configFor(llm.baseUrl, { kind })).run(
        modelRequest('x', { thinking: false }),
        foregroundOptions(),
      );
    }
    expect(llm.requests.map(({ body }) => body)).toMatchObject([
      { reasoning_effort: 'none' },
      { chat_template_kwargs: { enable_thinking: false } },
      { enable_thinking: false },
    ]);
  });
});

describe('the tool calls of an answer', () => {
  test('are returned with their arguments as JSON text', async () => {
    const llm = await fakeLlm();
    llm.script(calls(['search', '{"query":"알파"}']));
    const outcome = await backendFor(configFor(llm.baseUrl)).run(
      modelRequest('x', { tools }),
      foregroundOptions(),
    );
    expect(outcome).toMatchObject({
      finishReason: 'tool_calls',
      toolCalls: [
        { type: 'function', function: { name: 'search', arguments: '{"query":"알파"}' } },
      ],
    });
    expect(llm.requests[0]?.body['tool_choice']).toBe('auto');
  });

  test('are dropped if they are not allowed, and so is their residue in the text', async () => {
    const llm = await fakeLlm();
    const text = '<tool_call>{"name":"search"}</tool_call>모아 보면 이렇습니다.';
    llm.script(
      raw(
        frame(
          chunk({ tool_calls: [{ index: 0, function: { name: 'search', arguments: '{}' } }] }),
        ) +
          frame(chunk({ content: text })) +
          frame(chunk({}, 'tool_calls')),
      ),
    );
    const request = modelRequest('x', { tools, toolChoice: 'none' });
    const outcome = await backendFor(configFor(llm.baseUrl, { kind: 'ollama' })).run(
      request,
      foregroundOptions(),
    );
    expect(outcome).toMatchObject({
      ok: true,
      text: '모아 보면 이렇습니다.',
      toolCalls: [],
      finishReason: 'stop',
    });
    expect(llm.requests[0]?.body).toMatchObject({ tools, tool_choice: 'none' });
  });
});

describe('the cancel of a request', () => {
  test('closes the connection during prompt processing, and the gate serves the next request', async () => {
    const llm = await fakeLlm({ slots: 1 });
    llm.script(stalls());
    const gate = createOneSlotGate();
    const backend = backendFor(configFor(llm.baseUrl), gate);
    const controller = new AbortController();
    const cancelled = backend.run(
      modelRequest('x'),
      foregroundOptions({ signal: controller.signal }),
    );
    const next = backend.run(modelRequest('y'), foregroundOptions());
    const request = await llm.arrived(1);
    controller.abort();
    expect(failureOf(await cancelled)).toMatchObject({ errorReason: 'cancelled' });
    expect((await request.closed).closedBy).toBe('client');
    expect(await next).toMatchObject({ ok: true, text: 'answer' });
    expect(gate.ends).toEqual(['drained', 'ok']);
    expect(llm.overlapMax).toBe(1);
  });

  test('while the answer streams returns the partial text, and streams nothing more', async () => {
    const llm = await fakeLlm();
    llm.script(stallsAfter('반쪽'));
    const controller = new AbortController();
    const seen = textCollector();
    const outcome = await backendFor(configFor(llm.baseUrl)).run(
      modelRequest('x'),
      foregroundOptions({
        signal: controller.signal,
        onText(text, replace) {
          seen.onText(text, replace);
          controller.abort();
        },
      }),
    );
    expect(outcome).toMatchObject({ errorReason: 'cancelled', partialText: '반쪽' });
    expect(seen.pieces).toEqual(['반쪽']);
  });

  test('before the request is sent sends nothing to the server', async () => {
    const llm = await fakeLlm();
    const outcome = await backendFor(configFor(llm.baseUrl)).run(
      modelRequest('x'),
      foregroundOptions({ signal: AbortSignal.abort() }),
    );
    expect(outcome).toMatchObject({ errorReason: 'cancelled' });
    expect(llm.requests).toEqual([]);
  });
});

describe('the preemption of a request', () => {
  test('discards the streamed text and starts the request again', async () => {
    const llm = await fakeLlm({ slots: 1 });
    llm.script(stallsAfter('초안'), says('사람의 답'), says('초안 전체'));
    const gate = createOneSlotGate();
    const backend = backendFor(configFor(llm.baseUrl), gate);
    const seen = textCollector();
    const draft = backend.run(
      modelRequest('draft'),
      foregroundOptions({
        ...seen,
        priority: 'background',
        preemptible: true,
        onText(text, replace) {
          seen.onText(text, replace);
          if (text === '초안') gate.preempt();
        },
      }),
    );
    const request = await llm.arrived(1);
    const answer = await backend.run(modelRequest('x'), foregroundOptions());
    expect((await request.closed).closedBy).toBe('client');
    expect(answer).toMatchObject({ ok: true });
    expect(await draft).toMatchObject({ ok: true });
    expect(seen.pieces.slice(0, 2)).toEqual(['초안', '']);
    expect(seen.text.length).toBeGreaterThan(0);
    expect(llm.overlapMax).toBe(1);
    expect(gate.ends).toEqual(['drained', 'ok', 'ok']);
  });

  test('is given up as preempted after 16 repeats', async () => {
    const llm = await fakeLlm({ reply: stallsAfter('초안') });
    const gate = createOneSlotGate();
    const config = configFor(llm.baseUrl, { kind: 'vllm' });
    const outcome = await backendFor(config, gate).run(
      modelRequest('draft'),
      foregroundOptions({
        preemptible: true,
        onText: (text) => void (text === '초안' && gate.preempt()),
      }),
    );
    expect(failureOf(outcome)).toMatchObject({ errorReason: 'preempted', partialText: '초안' });
    expect(llm.requests.length).toBe(17);
  });
});

describe('the wait at the gate', () => {
  test('is reported with a position, and its end with onGranted', async () => {
    const llm = await fakeLlm({ slots: 1 });
    const { promise: barrier, resolve: open } = Promise.withResolvers<void>();
    llm.script(after(barrier, says('첫째')), says('둘째'));
    const backend = backendFor(configFor(llm.baseUrl));
    const first = backend.run(
      modelRequest('1'),
      foregroundOptions({ onQueued: () => expect.unreachable() }),
    );
    const events: (QueuePosition | 'granted')[] = [];
    const second = backend.run(
      modelRequest('2'),
      foregroundOptions({
        onQueued: (position) => events.push(position),
        onGranted: () => events.push('granted'),
      }),
    );
    await llm.arrived(1);
    open();
    expect(await first).toMatchObject({ text: '첫째' });
    expect(await second).toMatchObject({ text: '둘째' });
    expect(events).toEqual([{ position: 1, ahead: 1, etaMs: null }, 'granted']);
    expect(llm.overlapMax).toBe(1);
  });
});

test('an error thrown by a callback of the caller rejects the run, and the gate is free again', async () => {
  const llm = await fakeLlm();
  const gate = createOneSlotGate();
  const backend = backendFor(configFor(llm.baseUrl), gate);
  const broken = foregroundOptions({
    onText: () => {
      throw new Error('my bug');
    },
  });
  await expect(backend.run(modelRequest('x'), broken)).rejects.toThrow('my bug');
  expect(await backend.run(modelRequest('x'), foregroundOptions())).toMatchObject({ ok: true });
});
