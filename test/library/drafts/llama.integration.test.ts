/** Drafting on a real llama.cpp server with one slot: a foreground request during a draft is served first. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { openCore } from '#test/support/core';
import { until } from '#test/support/journal';
import { prepareLlamaServer, startLlamaServer } from '#test/support/llama-server';
import { startCountingProxy } from '#test/models/gate/counting-proxy';
import { types } from './drafts-fixture.ts';

const prepared = await prepareLlamaServer();

describe.skipIf(!prepared.ok)('on a real llama.cpp server', () => {
  test('a foreground question preempts a draft, is answered first, and the draft is finished later', async () => {
    const server = await startLlamaServer({ model: 'tiny' });
    onTestFinished(() => server.stop());
    const proxy = await startCountingProxy(server.baseUrl);
    onTestFinished(() => proxy.close());
    const fixture = await openCore({
      backends: [{ id: 'llama', baseUrl: proxy.baseUrl, model: 'tiny', kind: 'llama.cpp' }],
      roles: {},
      drafts: { intervalMs: 100 },
    });
    onTestFinished(() => fixture.close());
    const { memos, events } = fixture.core.drafts;
    // Each character is one token of this model: the server needs a while to read the prompt.
    const { id } = await memos.create('local', { text: 'a rough memo, line by line\n'.repeat(30) });
    await memos.promote('local', id);
    const told = () => events.ofDocument(id, 0, 100);
    await until(() => proxy.requests === 1);
    const response = await fetch(`${fixture.core.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'llama', messages: [{ role: 'user', content: 'hello' }] }),
    });
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    expect(choices[0]!.message.content).toContain('w23');
    // The question was answered before the draft ended.
    expect(types(await told())).toEqual(['queued', 'drafting', 'preempted']);
    await until(async () => (await told()).at(-1)?.type === 'drafted');
    const [document] = await memos.list('local', { limit: 1 });
    expect(document).toMatchObject({ mdDraftStatus: 'draft', contentOrigin: 'ai_drafted' });
    // The text that was written before the preemption is not in the draft twice.
    const { body } = await json(`${fixture.core.url}/documents/${id}`);
    expect(String(body['md_content']).match(/w0\b/g)).toHaveLength(1);
    expect((await told()).find(({ type }) => type === 'drafting')!.data).toEqual({ attempt: 1 });
    expect(proxy.overlapMax).toBe(1);
  });
});

const json = async (url: string): Promise<{ body: Record<string, unknown> }> => ({
  body: (await (await fetch(url)).json()) as Record<string, unknown>,
});
