/** Official MCP servers over stdio, and a server of the newest protocol over HTTP. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openMcp, type McpFixture } from './mcp-fixture.ts';
import { startHttpMcpServer, type HttpMcpServer } from './http-server.ts';

let fixture: McpFixture;
let http: HttpMcpServer | null = null;
afterEach(async () => {
  await fixture.close();
  await http?.close();
  http = null;
});

const programs = {
  files: import.meta.resolve('@modelcontextprotocol/server-filesystem/dist/index.js'),
  memory: import.meta.resolve('@modelcontextprotocol/server-memory/dist/index.js'),
  everything: import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'),
};

const commandOf = (program: keyof typeof programs, ...args: string[]): string[] => [
  process.execPath,
  fileURLToPath(programs[program]),
  ...args,
];

describe('an official MCP server', () => {
  test('of files is read alone and written with a confirmed draft', async () => {
    fixture = await openMcp((folder) => ({
      servers: [
        {
          id: 'files',
          command: commandOf('files', folder),
          reads: ['list_directory', 'read_text_file'],
          writes: ['write_file'],
        },
      ],
    }));
    const path = join(fixture.folder, 'note.txt');
    const { draft } = await fixture.call('mcp:files', 'write_file', { path, content: '안녕\n' });
    await fixture.registry.execute(draft!, fixture.context());
    expect(readFileSync(path, 'utf8')).toBe('안녕\n');
    const { results } = await fixture.call('files', 'read_text_file', { path });
    expect(results[0]?.error?.code).toBe('GH_TOOL_UNKNOWN');
    const read = await fixture.call('mcp:files', 'read_text_file', { path });
    expect(read.results[0]?.summary).toContain('안녕');
    const outside = await fixture.call('mcp:files', 'read_text_file', { path: '/etc/hostname' });
    expect(outside.results[0]?.error?.code).toBe('GH_TOOL_FAILED');
  });

  test('of a memory keeps what a confirmed draft adds', async () => {
    fixture = await openMcp((folder) => ({
      servers: [
        {
          id: 'memory',
          command: commandOf('memory'),
          env: { MEMORY_FILE_PATH: join(folder, 'memory.json') },
          reads: ['search_nodes'],
          writes: ['create_entities'],
        },
      ],
    }));
    const entities = [{ name: 'Bori', entityType: 'dog', observations: ['likes carrots'] }];
    const { draft } = await fixture.call('mcp:memory', 'create_entities', { entities });
    expect(draft?.summary).toContain('likes carrots');
    expect(await fixture.registry.execute(draft!, fixture.context())).toMatchObject({ ok: true });
    await fixture.reopen();
    const { results } = await fixture.call('mcp:memory', 'search_nodes', { query: 'Bori' });
    expect(results[0]?.summary).toContain('likes carrots');
  });

  test('with every kind of content gives text, descriptions of the rest, and no secret of the core', async () => {
    const reads = ['get-env', 'get-tiny-image', 'get-structured-content', 'get-resource-links'];
    fixture = await openMcp(() => ({
      servers: [{ id: 'all', command: commandOf('everything', 'stdio'), reads, env: { OWN: 'x' } }],
    }));
    const { results } = await fixture.registry.run(
      [
        ['get-env', {}],
        ['get-tiny-image', {}],
        ['get-structured-content', { location: 'Chicago' }],
        ['get-resource-links', { count: 2 }],
      ].map(([operation, params]) => ({ tool: 'mcp:all', operation, params }) as never),
      fixture.context(),
    );
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, true]);
    const [env, image, structured, links] = results.map(({ summary }) => summary);
    const names = [...env!.matchAll(/"(\w+)":/g)].map(([, name]) => name);
    expect(new Set(names)).toEqual(new Set(['GATEHOUSE_MCP_SERVER', 'OWN', 'PATH', 'PWD']));
    expect(image).toMatch(/\[image image\/png, \d+ bytes\]/);
    expect(structured).toContain('temperature');
    expect(links).toContain('[link Text Resource');
  });
});

describe('an MCP server on Streamable HTTP', () => {
  const open = async (change: object = {}): Promise<HttpMcpServer> => {
    const server = await startHttpMcpServer((mcp) => {
      const inputSchema = z.object({ room: z.string() });
      mcp.registerTool(
        'get_state',
        { description: 'state of a room', inputSchema },
        ({ room }) => ({
          content: [{ type: 'text', text: `${room} is warm` }],
        }),
      );
      mcp.registerTool('set_state', { description: 'changes a room', inputSchema }, ({ room }) => ({
        content: [{ type: 'text', text: `${room} is set` }],
      }));
    });
    http = server;
    fixture = await openMcp(() => ({
      servers: [
        {
          id: 'home',
          url: server.url,
          headers: { authorization: 'Bearer secret-token' },
          reads: ['get_state'],
          writes: ['set_state'],
          ...change,
        },
      ],
      limits: { callTimeoutMs: 5_000 },
    }));
    return server;
  };

  test('is spoken to in the newest protocol, with the configured headers', async () => {
    const server = await open();
    expect(fixture.mcp.views()[0]).toMatchObject({
      state: 'ready',
      protocol_version: '2026-07-28',
    });
    const { results } = await fixture.call('mcp:home', 'get_state', { room: 'kitchen' });
    expect(results[0]?.summary).toContain('kitchen is warm');
    expect(new Set(server.authorizations)).toEqual(new Set(['Bearer secret-token']));
  });

  test('gets a write once; if its stream breaks the write is uncertain', async () => {
    const server = await open();
    const { draft } = await fixture.call('mcp:home', 'set_state', { room: 'kitchen' });
    server.cutsCalls = true;
    const result = await fixture.registry.execute(draft!, fixture.context());
    expect(result.error?.code).toBe('GH_TOOL_UNCERTAIN');
    expect(server.calls).toEqual(['set_state']);
  });

  test('that is down is reported as not reached, and a write as not run', async () => {
    const server = await open();
    const { draft } = await fixture.call('mcp:home', 'set_state', { room: 'kitchen' });
    await server.close();
    http = null;
    const result = await fixture.registry.execute(draft!, fixture.context());
    expect(result.error?.code).toBe('GH_TOOL_UNREACHABLE');
  });

  test('exists only for its users', async () => {
    await open({ users: ['kim'] });
    const args = ['mcp:home', 'get_state', { room: 'kitchen' }] as const;
    const lee = await fixture.call(...args, { userId: 'lee' });
    expect(lee.results[0]?.error?.code).toBe('GH_TOOL_UNKNOWN');
    expect(fixture.mcp.offer('state of the kitchen', 'lee')).toEqual([]);
    expect(fixture.mcp.offer('state of the kitchen', 'kim')).toHaveLength(1);
  });
});
