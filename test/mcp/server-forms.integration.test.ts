/** Forms of real servers that a strict reader would stumble over: banners, schemas, lists, names, contents. */
import { afterEach, describe, expect, test } from 'vitest';
import { openMcp, type McpFixture } from './mcp-fixture.ts';
import {
  scriptedServer,
  scriptedTool,
  type Script,
  type ScriptedServer,
} from './scripted-server.ts';

let fixture: McpFixture;
let server: ScriptedServer;
afterEach(() => fixture.close());

async function open(script: Script, change: object = {}): Promise<void> {
  fixture = await openMcp((folder) => {
    server = scriptedServer(folder, script);
    const one = { id: 'home', command: server.command(), reads: ['look'], writes: ['set'] };
    return { servers: [{ ...one, ...change }] };
  });
}
const states = () => fixture.mcp.views()[0]!.tools.map(({ name, state }) => `${name} ${state}`);
const look = async (params: object = {}) =>
  (await fixture.call('mcp:home', 'look', params)).results[0]!;
const answers = (result: object): Script => ({
  tools: [scriptedTool('look')],
  behaviours: { look: { does: 'answers', result } },
});

describe('a server on standard output', () => {
  test('may print a banner and log lines before its first message', async () => {
    const banner = '\ufeff🚀 Server v1.2 listening\n{"level":"info"}\n[]\n"text"\n\n';
    await open({ tools: [scriptedTool('look')], banner });
    expect((await look()).summary).toContain('look is done');
  });

  test('may flood with progress that nobody asked for', async () => {
    await open({
      tools: [scriptedTool('look')],
      behaviours: { look: { does: 'floods with progress' } },
    });
    expect((await look()).summary).toContain('after the flood');
  });

  test('gets an error for each of its own requests, and the call goes on', async () => {
    const asks = [
      'sampling/createMessage',
      'elicitation/create',
      'roots/list',
      'ping',
      'x/unknown',
    ];
    await open({ tools: [scriptedTool('look')], asks });
    expect((await look()).summary).toContain('look is done');
  });
});

describe('a list of tools', () => {
  test('whose pages lead in a circle ends with the tools that it has', async () => {
    await open({ tools: [scriptedTool('look')], isEndless: true });
    expect(states()).toEqual(['look ready', 'set missing']);
    expect((await look()).summary).toContain('look is done');
  });

  test('with hints as text that say that a read writes makes it ask', async () => {
    await open({ tools: [scriptedTool('look', { annotations: { readOnlyHint: 'false' } })] });
    const { draft } = await fixture.call('mcp:home', 'look', {});
    expect(draft?.summary).toContain('Tool: look');
    expect(server.calls()).toEqual([]);
  });

  test.each<[string, object]>([
    ['no input schema', { inputSchema: undefined }],
    ['null as input schema', { inputSchema: null }],
    ['an input schema without a type', { inputSchema: {} }],
    [
      'null for what it does not have',
      { title: null, description: null, annotations: null, outputSchema: null, icons: null },
    ],
    ['hints that are texts', { annotations: { readOnlyHint: 'true' } }],
    ['a name that is a number', { name: 7 }],
  ])('with a tool that has %s keeps its other tools', async (_name, change) => {
    await open({ tools: [scriptedTool('look'), { ...scriptedTool('set'), ...change }] });
    expect(states()[0]).toBe('look ready');
    expect((await look()).summary).toContain('look is done');
  });

  test('may have names of other scripts, with spaces and dots', async () => {
    const names = ['날씨_조회', 'a b.c/d', 'set'];
    await open({ tools: names.map((name) => scriptedTool(name)) }, { reads: names.slice(0, 2) });
    for (const name of names.slice(0, 2)) {
      const { results } = await fixture.call('mcp:home', name);
      expect(results[0]?.summary).toContain(`${name} is done`);
    }
    expect(fixture.mcp.offer('날씨 조회해줘', 'kim')[0]?.operations[0]?.operation).toBe(
      '날씨_조회',
    );
  });

  test('of more than a thousand tools is cut, and the tools behind the cut are missing', async () => {
    const many = Array.from({ length: 1_000 }, (_, n) => scriptedTool(`tool_${n}`));
    await open(
      { tools: [scriptedTool('look'), ...many, scriptedTool('late')] },
      { writes: ['tool_998', 'late'] },
    );
    expect(states()).toEqual(['look ready', 'tool_998 ready', 'late missing']);
  });
});

describe('an input schema', () => {
  const $defs = {
    Point: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] },
  };
  const $schema = 'http://json-schema.org/draft-07/schema#';
  test.each<[string, object, object, boolean]>([
    [
      'a reference',
      { properties: { at: { $ref: '#/$defs/Point' } }, $defs },
      { at: { x: 1 } },
      true,
    ],
    [
      'a reference that does not fit',
      { properties: { at: { $ref: '#/$defs/Point' } }, $defs },
      { at: {} },
      false,
    ],
    ['draft-07', { $schema, properties: { a: { type: ['string', 'null'] } } }, { a: null }, true],
    [
      'an unknown draft and formats',
      { $schema: 'https://example.com/s', properties: { a: { type: 'string', format: 'x-own' } } },
      { a: 'b' },
      true,
    ],
    [
      'further properties allowed',
      { properties: { a: {} }, additionalProperties: true },
      { a: 1, b: 2 },
      true,
    ],
    [
      'further properties of a type',
      { properties: { a: {} }, additionalProperties: { type: 'number' } },
      { b: 2 },
      true,
    ],
    [
      'further properties of another type',
      { properties: { a: {} }, additionalProperties: { type: 'number' } },
      { b: 'x' },
      false,
    ],
    ['patterns', { properties: { a: {} }, patternProperties: { '^x-': {} } }, { 'x-y': 1 }, true],
    [
      'alternatives',
      {
        properties: { a: {} },
        anyOf: [{ required: ['a'] }, { properties: { b: {} }, required: ['b'] }],
      },
      { b: 1 },
      true,
    ],
    [
      'further properties forbidden',
      { properties: { a: {} }, additionalProperties: false },
      { b: 2 },
      false,
    ],
    ['no further properties named', { properties: { a: {} } }, { b: 2 }, false],
    ['no properties', {}, { anything: [1] }, true],
    ['a broken schema', { properties: { a: { type: 'text' } } }, { a: 1 }, true],
  ])('with %s', async (_name, schema, params, isCalled) => {
    const inputSchema = { type: 'object', ...schema };
    await open({ tools: [scriptedTool('look', { inputSchema })] });
    const result = await look(params);
    expect(result.error?.code ?? 'ok').toBe(isCalled ? 'ok' : 'GH_TOOL_INPUT');
    expect(server.calls()).toEqual(isCalled ? [{ name: 'look', arguments: params }] : []);
  });
});

describe('a result', () => {
  const blob = 'A'.repeat(400);
  test.each<[string, object, RegExp]>([
    ['without content', { structuredContent: { n: 1 } }, /\{"n":1\}/],
    ['with empty content', { content: [] }, /\(nothing\)/],
    [
      'with an embedded blob',
      { content: [{ type: 'resource', resource: { uri: 'file:///a.bin', blob } }] },
      /\[resource file:\/\/\/a\.bin , 300 bytes\]/,
    ],
    [
      'with an embedded text',
      { content: [{ type: 'resource', resource: { uri: 'file:///a.txt', text: 'hello' } }] },
      /file:\/\/\/a\.txt[^]*hello/,
    ],
    [
      'with a link',
      { content: [{ type: 'resource_link', uri: 'https://x.example/a', name: 'a' }] },
      /link a: https:\/\/x\.example\/a/,
    ],
    [
      'with a picture beside text',
      {
        content: [
          { type: 'text', text: 'see' },
          { type: 'image', data: blob, mimeType: 'image/png' },
        ],
      },
      /see\n\[image image\/png, 300 bytes\]/,
    ],
  ])('%s is shown', async (_name, result, shown) => {
    await open(answers(result));
    expect((await look()).summary).toMatch(shown);
  });

  test.each<[string, object]>([
    ['null as content', { content: null }],
    ['a null block', { content: [null] }],
    ['a text that is null', { content: [{ type: 'text', text: null }] }],
    ['an unknown kind of block', { content: [{ type: 'hologram', data: 1 }] }],
    ['a text in place of a list', { content: 'plain text' }],
    ['no object', { content: [{ type: 'text', text: 'a' }], structuredContent: [1] }],
  ])('with %s ends the call with a sentence', async (_name, result) => {
    await open(answers(result));
    const { ok, error, summary } = await look();
    expect(ok || error?.code === 'GH_TOOL_UNREADABLE').toBe(true);
    expect(summary).toContain('home.look');
  });

  const outputSchema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
  test.each<[string, object, string]>([
    ['fits', { content: [], structuredContent: { n: 1 } }, 'ok'],
    ['is of another type', { content: [], structuredContent: { n: 'x' } }, 'GH_TOOL_UNREADABLE'],
    ['is missing', { content: [{ type: 'text', text: '{"n":1}' }] }, 'GH_TOOL_UNREADABLE'],
    [
      'is missing in an error',
      { isError: true, content: [{ type: 'text', text: 'no' }] },
      'GH_TOOL_FAILED',
    ],
  ])('whose structured content %s', async (_name, result, code) => {
    const script = answers(result);
    await open({ ...script, tools: [scriptedTool('look', { outputSchema })] });
    const { error, summary } = await look();
    expect(error?.code ?? 'ok').toBe(code);
    // What did not fit is not shown as a result.
    if (code === 'GH_TOOL_UNREADABLE') expect(summary).not.toContain('"n"');
  });
});
