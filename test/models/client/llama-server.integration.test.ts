/**
 * The whole client path against a real llama.cpp server: real tokenizer, grammar, tool parser, slots and SSE.
 * Only the words are scripted, by the last message (test/support/llama-server/README.md).
 */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ModelRequest } from '#shared/model/model';
import {
  prepareLlamaServer,
  startLlamaServer,
  type LlamaServerOptions,
} from '#test/support/llama-server';
import { createOneSlotGate } from './one-slot-gate.ts';
import {
  modelRequest,
  backendFor,
  textCollector,
  configFor,
  failureOf,
  foregroundOptions,
} from './backend-fixture.ts';

const prepared = await prepareLlamaServer();

async function setting(options: LlamaServerOptions) {
  const server = await startLlamaServer(options);
  onTestFinished(() => server.stop());
  const gate = createOneSlotGate();
  return {
    server,
    gate,
    backend: backendFor(configFor(server.baseUrl, { kind: 'llama.cpp' }), gate),
  };
}

const tools: NonNullable<ModelRequest['tools']> = [
  {
    type: 'function',
    function: {
      name: 'search',
      description: 'searches',
      parameters: {
        type: 'object',
        properties: { query: { type: 'string' } },
        required: ['query'],
      },
    },
  },
];

const classification: NonNullable<ModelRequest['jsonSchema']> = {
  name: 'classification',
  schema: {
    type: 'object',
    properties: {
      action: { type: 'string', enum: ['direct', 'route', 'clarify', 'tools'] },
      prompt: { type: 'string' },
    },
    required: ['action', 'prompt'],
    additionalProperties: false,
  },
};

const scripted = Array.from({ length: 24 }, (_, n) => `w${n}`).join(' ');

describe.skipIf(!prepared.ok)('a backend with a real llama.cpp server', () => {
  test('streams an answer token by token and returns it whole', async () => {
    const { backend, gate } = await setting({ model: 'tiny' });
    const seen = textCollector();
    const outcome = await backend.run(modelRequest('hello'), foregroundOptions(seen));
    expect(outcome).toMatchObject({ ok: true, text: scripted, finishReason: 'stop' });
    expect(seen.pieces.length).toBeGreaterThan(10);
    expect(seen.text).toBe(scripted);
    expect(outcome.ok && outcome.usage?.completionTokens).toBeGreaterThanOrEqual(24);
    expect(gate.ends).toEqual(['ok']);
  });

  test('returns the finish reason length at the token limit', async () => {
    const { backend } = await setting({ model: 'tiny' });
    const outcome = await backend.run(modelRequest('#loop', { maxTokens: 5 }), foregroundOptions());
    expect(outcome).toMatchObject({ ok: true, text: 'l0 l1 l2 l3 l4', finishReason: 'length' });
  });

  test.each(['deepseek', 'none'])(
    'returns the answer without the thinking (format %s)',
    async (format) => {
      const { backend } = await setting({ model: 'tiny', args: ['--reasoning-format', format] });
      const seen = textCollector();
      const outcome = await backend.run(modelRequest('#think'), foregroundOptions(seen));
      expect(outcome).toMatchObject({ ok: true, text: 'answer a0 a1 a2 a3 a4' });
      expect(seen.text).toBe('answer a0 a1 a2 a3 a4');
    },
  );

  test.each(['deepseek', 'none'])(
    'reports thinking that is never closed as unclosed_thinking (format %s)',
    async (format) => {
      const { backend } = await setting({ model: 'tiny', args: ['--reasoning-format', format] });
      const outcome = failureOf(await backend.run(modelRequest('#unclosed'), foregroundOptions()));
      expect(outcome).toMatchObject({ errorReason: 'unclosed_thinking', partialText: '' });
    },
  );

  test('returns JSON by the schema from a model that would write something else', async () => {
    const { backend } = await setting({ model: 'tiny' });
    const request = modelRequest('#cls', {
      jsonSchema: classification,
      maxTokens: 200,
      thinking: false,
    });
    const outcome = await backend.run(request, foregroundOptions());
    expect(outcome.ok && JSON.parse(outcome.text)).toMatchObject({ action: 'route' });
  });

  test('omits a schema that the server does not support', async () => {
    const { backend } = await setting({ model: 'tiny' });
    const jsonSchema = { name: 'x', schema: { type: 'object', $ref: '#/nowhere' } };
    const outcome = await backend.run(modelRequest('#cls', { jsonSchema }), foregroundOptions());
    expect(outcome.ok && outcome.text).toContain('"action"');
  });

  test('returns a tool call, and then an answer to the tool result', async () => {
    const { backend } = await setting({ model: 'tiny' });
    const first = await backend.run(modelRequest('find it', { tools }), foregroundOptions());
    if (!first.ok) throw new Error(first.message);
    expect(first).toMatchObject({
      finishReason: 'tool_calls',
      toolCalls: [
        { function: { name: 'search', arguments: expect.stringContaining('alpha beta') } },
      ],
    });
    const [call] = first.toolCalls;
    const messages: ModelRequest['messages'] = [
      { role: 'user', content: 'find it' },
      { role: 'assistant', content: '', tool_calls: first.toolCalls },
      { role: 'tool', content: '{"results":[]}', tool_call_id: call?.id ?? '' },
    ];
    const second = await backend.run({ messages, tools, toolChoice: 'none' }, foregroundOptions());
    expect(second).toMatchObject({ ok: true, text: scripted, toolCalls: [] });
  });

  test('frees the server for the next request after an abort during the answer', async () => {
    const { backend, gate } = await setting({ model: 'slow' });
    const controller = new AbortController();
    const cancelled = backend.run(
      modelRequest('#loop', { maxTokens: 2000 }),
      foregroundOptions({ signal: controller.signal, onText: () => controller.abort() }),
    );
    const next = backend.run(modelRequest('#loop', { maxTokens: 3 }), foregroundOptions());
    expect(failureOf(await cancelled).errorReason).toBe('cancelled');
    expect(await next).toMatchObject({ ok: true, text: 'l0 l1 l2' });
    expect(gate.ends).toEqual(['drained', 'ok']);
  });

  test('frees the server for the next request after an abort during prompt processing', async () => {
    const { backend, gate, server } = await setting({
      model: 'slow',
      args: ['-b', '32', '-ub', '32'],
    });
    const controller = new AbortController();
    const long = 'word '.repeat(100);
    const seen = textCollector();
    const cancelled = backend.run(
      modelRequest(long),
      foregroundOptions({ ...seen, signal: controller.signal }),
    );
    const next = backend.run(modelRequest('#loop', { maxTokens: 3 }), foregroundOptions());
    await server.busy();
    controller.abort();
    expect(failureOf(await cancelled)).toMatchObject({ errorReason: 'cancelled', partialText: '' });
    expect(seen.pieces).toEqual([]);
    expect(await next).toMatchObject({ ok: true, text: 'l0 l1 l2' });
    expect(gate.ends).toEqual(['drained', 'ok']);
  });

  test('reports a server that is loading its model as loading', async () => {
    const { backend } = await setting({ model: 'heavy', untilReady: false });
    const outcome = failureOf(await backend.run(modelRequest('hello'), foregroundOptions()));
    expect(outcome).toMatchObject({ errorReason: 'loading', status: 503 });
  });
});
