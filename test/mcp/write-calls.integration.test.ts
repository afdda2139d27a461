/** Writes of MCP tools: the draft that is shown, the one call after the yes, and answers that are lost. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Draft } from '#machines/job-types';
import { openMcp, type McpFixture } from './mcp-fixture.ts';
import {
  scriptedServer,
  scriptedTool,
  type Behaviour,
  type ScriptedServer,
} from './scripted-server.ts';

let fixture: McpFixture;
let server: ScriptedServer;
afterEach(() => fixture.close());

const numberSchema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };

async function open(behaviour: Behaviour, change: object = {}, tool: object = {}): Promise<void> {
  fixture = await openMcp((folder) => {
    const tools = [scriptedTool('set', tool), scriptedTool('look')];
    server = scriptedServer(folder, { tools, behaviours: { set: behaviour, look: behaviour } });
    const one = { id: 'home', command: server.command(), reads: ['look'], writes: ['set'] };
    return { servers: [{ ...one, ...change }], limits: { callTimeoutMs: 3_000 } };
  });
}

async function draftOf(params: object): Promise<Draft> {
  const { draft } = await fixture.call('mcp:home', 'set', params);
  if (draft === null) throw new Error('no draft');
  return draft;
}

describe('a write of an MCP tool', () => {
  test('is shown with server, tool and the exact input, and is called once after the yes', async () => {
    await open({ does: 'answers' });
    const draft = await draftOf({ text: ' a\nb\u202ec ' });
    expect(draft.summary).toContain('Server: home');
    expect(draft.summary).toContain('Tool: set');
    expect(draft.summary).toContain(String.raw`"text": " a\nb\u202ec "`);
    expect(server.calls()).toEqual([]);
    const result = await fixture.registry.execute(draft, fixture.context());
    expect(result).toMatchObject({ ok: true, tool: 'mcp:home' });
    expect(server.calls()).toEqual([{ name: 'set', arguments: { text: ' a\nb\u202ec ' } }]);
  });

  test('cannot be requested by a model, under no name', async () => {
    await open({ does: 'answers' });
    const { results, draft } = await fixture.call('mcp:home', 'set:confirmed', { text: 'a' });
    expect(results[0]).toMatchObject({ ok: false, error: { code: 'GH_TOOL_UNKNOWN' } });
    expect(draft).toBeNull();
    expect(server.calls()).toEqual([]);
  });

  test('is refused if its input is too long to be shown whole', async () => {
    await open({ does: 'answers' });
    const { results, draft } = await fixture.call('mcp:home', 'set', { text: 'x'.repeat(5_000) });
    expect(results[0]?.error?.code).toBe('GH_TOOL_INPUT');
    expect(draft).toBeNull();
  });

  test('keeps its whole input in the draft beside a long answer of another call', async () => {
    await open({
      does: 'answers',
      result: { content: [{ type: 'text', text: `${'y'.repeat(1_500)}\n`.repeat(4) }] },
    });
    const { draft } = await fixture.registry.run(
      [
        { tool: 'mcp:home', operation: 'look', params: {} },
        { tool: 'mcp:home', operation: 'set', params: { text: `${'x'.repeat(3_000)}end` } },
      ],
      fixture.context(),
    );
    expect(draft?.summary).toContain('xend"');
    expect(draft?.summary).toContain('Tool: set');
  });

  test.each<[string, Behaviour]>([
    ['the server ends in the call', { does: 'ends' }],
    ['no answer comes in time', { does: 'is silent' }],
    ['the answer is larger than a message may be', { does: 'writes 10 MB' }],
    ['the server reports an internal error', { does: 'fails' }],
  ])('is uncertain and is sent once if %s', async (_, behaviour) => {
    await open(behaviour);
    const draft = await draftOf({ text: 'a' });
    const result = await fixture.registry.execute(draft, fixture.context());
    expect(result.error?.code).toBe('GH_TOOL_UNCERTAIN');
    expect(result.summary).toContain('home.set');
    expect(server.calls()).toHaveLength(1);
  });

  test('is uncertain if its structured content does not fit the schema of its results', async () => {
    const content = { content: [], structuredContent: { n: 'text' } };
    await open({ does: 'answers', result: content }, {}, { outputSchema: numberSchema });
    const result = await fixture.registry.execute(await draftOf({}), fixture.context());
    expect(result.error?.code).toBe('GH_TOOL_UNCERTAIN');
    expect(server.calls()).toHaveLength(1);
  });

  test('has not run, and says so, if the server refuses its input', async () => {
    await open({ does: 'fails', code: -32602 });
    const result = await fixture.registry.execute(await draftOf({}), fixture.context());
    expect(result.error?.code).toBe('GH_TOOL_REFUSED');
  });

  test('is uncertain and is not sent if the process ended during the call before', async () => {
    await open({ does: 'answers' });
    const draft = await draftOf({});
    const result = await fixture.registry.execute(draft, fixture.context({ isRepeat: true }));
    expect(result.error?.code).toBe('GH_TOOL_UNCERTAIN');
    expect(server.calls()).toEqual([]);
  });

  test.each([
    [true, 2],
    [false, 1],
  ])('of an idempotent tool is sent again only to a trusted server: %s', async (trusted, times) => {
    await open({ does: 'ends' }, { trusted }, { annotations: { idempotentHint: true } });
    const result = await fixture.registry.execute(await draftOf({}), fixture.context());
    expect(result.error?.code).toBe('GH_TOOL_UNCERTAIN');
    expect(server.calls()).toHaveLength(times);
  });

  test('takes a change of a value that the tool has, and no other', async () => {
    await open({ does: 'answers' });
    const draft = await draftOf({ text: 'a' });
    const changed = await fixture.registry.revise(draft, { text: 'b' }, fixture.context());
    expect(changed.params).toEqual({ text: 'b' });
    const same = await fixture.registry.revise(draft, { time: '15:00' }, fixture.context());
    expect(same.params).toEqual({ text: 'a' });
    expect(same.summary).toContain('time');
  });
});

describe('a read of an MCP tool', () => {
  test('is tried once more if its answer was lost', async () => {
    await open({ does: 'ends' });
    const { results } = await fixture.call('mcp:home', 'look');
    expect(results[0]?.error?.code).toBe('GH_TOOL_UNREACHABLE');
    expect(server.calls()).toHaveLength(2);
  });

  test.each<[string, Behaviour, string]>([
    ['a time-out', { does: 'is silent' }, 'GH_TOOL_TIMEOUT'],
    ['an error of the server', { does: 'fails' }, 'GH_TOOL_UNREADABLE'],
    ['a message that is too large', { does: 'writes 10 MB' }, 'GH_TOOL_UNREACHABLE'],
  ])('ends with a code and a sentence after %s', async (_, behaviour, code) => {
    await open(behaviour);
    const { results } = await fixture.call('mcp:home', 'look');
    expect(results[0]?.error?.code).toBe(code);
    expect(results[0]?.summary).toContain('home');
  });

  test('is found behind lines that are no messages', async () => {
    await open({ does: 'writes garbage' });
    const { results } = await fixture.call('mcp:home', 'look');
    expect(results[0]?.summary).toContain('after the garbage');
  });
});
