/** The whole path with a real llama.cpp server: its classifier chooses an MCP tool. Only the words are scripted. */
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { openCore, type CoreFixture } from '#test/support/core';
import { scratchFolder, until } from '#test/support/journal';
import { prepareLlamaServer, startLlamaServer } from '#test/support/llama-server';
import type { McpServerView } from '#shared/wire/mcp-view';
import { scriptedServer, scriptedTool, type ScriptedServer } from './scripted-server.ts';

const prepared = await prepareLlamaServer();

let fixture: CoreFixture;
let server: ScriptedServer;
let scratch: ReturnType<typeof scratchFolder>;
afterEach(async () => {
  await fixture.close();
  scratch.remove();
});

async function open(): Promise<void> {
  const llama = await startLlamaServer({ model: 'tiny', args: ['-c', '8192'] });
  onTestFinished(() => llama.stop());
  scratch = scratchFolder();
  const text = 'the lamp is on';
  server = scriptedServer(scratch.path, {
    tools: [
      scriptedTool('lamp_state', { description: 'State of a lamp' }),
      scriptedTool('set_lamp', { description: 'Turns a lamp on or off' }),
    ],
    behaviours: { lamp_state: { does: 'answers', result: { content: [{ type: 'text', text }] } } },
  });
  const one = { id: 'home', command: server.command() };
  fixture = await openCore({
    backends: [{ id: 'llama', baseUrl: llama.baseUrl, model: 'tiny', kind: 'llama.cpp' }],
    roles: { classifier: 'llama', reasoner: 'llama' },
    mcp: { servers: [{ ...one, reads: ['lamp_state'], writes: ['set_lamp'] }] },
  });
  await until(async () => {
    const page = await fixture.client.request<{ servers: McpServerView[] }>('GET', '/mcp/servers');
    return page.servers[0]!.tools.every(({ state }) => state === 'ready');
  });
}

describe.skipIf(!prepared.ok)('a real llama.cpp server', () => {
  test('chooses a read of an MCP server; the result is put into words', async () => {
    await open();
    const { jobId } = await fixture.ask('#mcpread what is the state of the lamp?');
    expect(server.calls()).toEqual([{ name: 'lamp_state', arguments: {} }]);
    const job = await fixture.client.job(jobId);
    expect(job).toMatchObject({ outcome: 'answered' });
    // The scripted words of the model, written after it was given the result.
    expect(job.reply).toMatch(/^w0 w1 /);
  });

  test('chooses a write, which runs once, after the yes', async () => {
    await open();
    const jobId = await fixture.client.submit({ message: '#mcpwrite turn the lamp on' });
    await until(async () => (await fixture.client.job(jobId)).state === 'confirm-draft');
    expect(server.calls()).toEqual([]);
    expect(await fixture.client.submit({ message: 'yes' })).toBe(jobId);
    await until(async () => (await fixture.client.job(jobId)).reply !== null);
    expect(server.calls()).toEqual([{ name: 'set_lamp', arguments: { text: 'on' } }]);
    expect((await fixture.client.job(jobId)).reply).toContain('home.set_lamp was run');
  });
});
