/** The ask loop on a real llama.cpp server (tool parser, grammar, slots, vectors). Only the words are scripted. */
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { prepareLlamaServer, startLlamaServer } from '#test/support/llama-server';
import { until } from '#test/support/journal';
import { openAsk, type AskSetting } from './setting.ts';

const prepared = await prepareLlamaServer();

let setting: AskSetting | null = null;
afterEach(async () => {
  await setting?.close();
  setting = null;
});

/** The answer of the model after a tool result. */
const scripted = Array.from({ length: 24 }, (_, n) => `w${n}`).join(' ');

async function openWithLlama(...args: string[]): Promise<AskSetting> {
  const server = await startLlamaServer({ model: 'tiny', args });
  onTestFinished(() => server.stop());
  setting = await openAsk({
    backends: [{ id: 'llama', baseUrl: server.baseUrl, model: 'tiny', kind: 'llama.cpp' }],
    roles: { react: 'llama' },
  });
  return setting;
}

describe.skipIf(!prepared.ok)('on a real llama.cpp server', () => {
  test('the model searches, reads the result and answers with the source', async () => {
    const { react, bring } = await openWithLlama();
    const id = await bring('Notes', 'alpha beta gamma');
    const { status, body } = await react({ query: 'what is alpha?', debug: true });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      answer: scripted,
      sources: [{ id, title: 'Notes' }],
      partial: false,
      tool_rounds: 1,
      llm_calls: 2,
    });
    expect(body.debug_trace).toMatchObject([
      { step: 'model', choice: 'auto', finish: 'tool_calls', prompt_tokens: expect.any(Number) },
      { step: 'look-up', lookups: ['search'], found: [1] },
      { step: 'model', finish: 'stop' },
    ]);
  });

  test('a model that never ends its thinking gives a partial answer that lists the sources', async () => {
    const { react, bring } = await openWithLlama();
    const id = await bring('Notes', 'alpha beta #unclosed');
    const { status, body } = await react({ query: '#unclosed alpha' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ partial: true, sources: [{ id }], llm_calls: 2 });
    expect(body.answer).toContain('[1] Notes');
  });

  test('a model that writes broken tool calls ends within the limits, with an answer without markup', async () => {
    const { react, bring } = await openWithLlama();
    await bring('Notes', 'alpha beta');
    // The grammar of the server makes a random call of the broken one.
    const { status, body } = await react({ query: '#badtool alpha' });
    expect(status).toBe(200);
    expect(body.llm_calls).toBeLessThanOrEqual(3);
    expect(body.tool_rounds).toBeLessThanOrEqual(2);
    expect(body.answer.trim()).not.toBe('');
    expect(body.answer).not.toContain('<tool_call>');
  });

  test('a model that never ends its answer is cut off, and the answer is partial', async () => {
    const { react } = await openWithLlama('-c', '2048');
    const { status, body } = await react({ query: '#loop' });
    expect([status, body.partial, body.llm_calls]).toEqual([200, true, 1]);
    expect(body.answer).toContain('l0 l1 l2');
  });

  test('semantic search with embeddings of the server finds a document that shares no word with the question', async () => {
    const server = await startLlamaServer({
      model: 'tiny',
      args: ['--embeddings', '--pooling', 'mean'],
    });
    onTestFinished(() => server.stop());
    setting = await openAsk({
      search: {
        embeddings: {
          baseUrl: server.baseUrl,
          model: 'tiny',
          minSimilarity: 0.9,
          queryTimeoutMs: 20_000,
        },
      },
    });
    const { bring, fixture } = setting;
    // A vector of the scripted model counts the letters of the text.
    await bring('abcabc', 'abcabc abcabc');
    await bring('xyzxyz', 'xyzxyz xyzxyz');
    await until(async () => (await fixture.core.search.backlog()) === 0);
    const { hits } = await fixture.core.search.search('local', 'cbacba', 5);
    expect(hits.map(({ title }) => title)).toEqual(['abcabc']);
    expect(fixture.core.search.problem()).toBeNull();
  });
});
