/** A message to a core with an MCP server, through the classifier, the draft and the one call. */
import { afterEach, describe, expect, test } from 'vitest';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { saysJson } from '#test/support/fake-llm-replies';
import { scratchFolder, until } from '#test/support/journal';
import type { McpServerView } from '#shared/wire/mcp-view';
import { processesWith } from './process-table.ts';
import { scriptedServer, scriptedTool, type ScriptedServer } from './scripted-server.ts';

let fixture: CoreFixture;
let server: ScriptedServer;
let scratch: ReturnType<typeof scratchFolder>;
afterEach(async () => {
  await fixture.close();
  scratch.remove();
});

const servers = async (): Promise<McpServerView[]> =>
  (await fixture.client.request<{ servers: McpServerView[] }>('GET', '/mcp/servers')).servers;

async function open(change: object = {}): Promise<void> {
  scratch = scratchFolder();
  const description = 'Turn a lamp on or off';
  const tools = [scriptedTool('set_lamp', { description }), scriptedTool('lamp_state')];
  const text = 'the lamp is on';
  server = scriptedServer(scratch.path, {
    tools,
    behaviours: { lamp_state: { does: 'answers', result: { content: [{ type: 'text', text }] } } },
  });
  const command = server.command({ behindShell: true });
  const one = { id: 'home', command, reads: ['lamp_state'], writes: ['set_lamp'], ...change };
  fixture = await openCore({ mcp: { servers: [one] } });
  await until(async () => (await servers())[0]!.tools.every(({ state }) => state === 'ready'));
}

const wants = (operation: string, params: object) =>
  saysJson({ action: 'tools', tool: 'mcp:home', operation, params });

async function draft(user: string): Promise<string> {
  fixture.small.script(wants('set_lamp', { text: 'on' }));
  const message = 'Please turn the lamp on';
  const jobId = await fixture.client.submit({ message, user_id: user });
  await until(async () => (await fixture.client.job(jobId)).state === 'confirm-draft');
  return jobId;
}

const ended = (jobId: string) =>
  until(async () => (await fixture.client.job(jobId)).reply !== null);

const promptOf = (request: number) => fixture.small.requests[request]!.body;

describe('a message to a core with an MCP server', () => {
  test('that fits a tool offers it beside the message; the prompt before is that of every message', async () => {
    await open();
    fixture.small.script(direct('hello'), wants('lamp_state', {}), direct('on'));
    await fixture.ask('hello there my friend');
    await fixture.ask('lamp state please');
    const [plain, offered] = [promptOf(0), promptOf(1)];
    expect(JSON.stringify(plain)).not.toContain('mcp:home');
    expect(offered.messages[0]).toEqual(plain.messages[0]);
    expect(offered.messages.at(-1)!.content).toContain('mcp:home.lamp_state');
    // The result is data of the summary.
    expect(promptOf(2).messages.at(-1)!.content).toMatch(/<data>[^]*the lamp is on[^]*<\/data>/);
    expect(server.calls()).toEqual([{ name: 'lamp_state', arguments: {} }]);
  });

  test('writes after the yes of its owner only, once', async () => {
    await open();
    const jobId = await draft('kim');
    const shown = (await fixture.client.events(jobId)).at(-1)!.data['content'];
    expect(shown).toContain('Server: home');
    expect(shown).toContain('"text": "on"');
    expect(server.calls()).toEqual([]);
    fixture.small.script(direct('yes to what?'));
    await fixture.ask('yes', { user_id: 'lee' });
    expect(server.calls()).toEqual([]);
    expect(await fixture.client.submit({ message: 'yes', user_id: 'kim' })).toBe(jobId);
    await ended(jobId);
    expect(server.calls()).toEqual([{ name: 'set_lamp', arguments: { text: 'on' } }]);
    expect((await fixture.client.job(jobId)).reply).toContain('home.set_lamp was run');
  });

  test('writes nothing after a no', async () => {
    await open();
    const jobId = await draft('kim');
    await fixture.client.submit({ message: 'no', user_id: 'kim' });
    await ended(jobId);
    expect(server.calls()).toEqual([]);
  });

  test('of another user finds no tool of a server that is restricted', async () => {
    await open({ users: ['kim'] });
    fixture.small.script(wants('set_lamp', { text: 'on' }), direct('I cannot do that'));
    await fixture.ask('Please turn the lamp on', { user_id: 'lee' });
    expect(JSON.stringify(promptOf(0))).not.toContain('mcp:home');
    expect(server.calls()).toEqual([]);
  });

  test('leaves no process of the server behind when the core has stopped', async () => {
    await open();
    expect(processesWith(scratch.path)).not.toEqual([]);
    await fixture.core.stop();
    expect(processesWith(scratch.path)).toEqual([]);
  });
});
