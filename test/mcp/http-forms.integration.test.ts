/** HTTP servers that answer with a status in place of a result, forget their sessions, or speak an old protocol. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { openMcp, type McpFixture } from './mcp-fixture.ts';
import { scriptedTool } from './scripted-server.ts';

interface Message {
  id?: number;
  method: string;
  params?: { name?: string; arguments?: unknown };
}

let fixture: McpFixture;
let http: Server;
/** Names of the tools that were called, and of the methods that were posted. */
let calls: string[];
let methods: string[];
/** Answers a call of a tool; false: as usual. */
let onCall: (response: ServerResponse, message: Message) => boolean;
let session: string;
let isSseOnly: boolean;
afterEach(async () => {
  await fixture.close();
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
});

function answer(response: ServerResponse, { id, method, params }: Message): void {
  const reply = (body: object): void => {
    const headers = { 'content-type': 'application/json', 'mcp-session-id': session };
    response.writeHead(200, headers).end(JSON.stringify({ jsonrpc: '2.0', id, ...body }));
  };
  switch (method) {
    case 'initialize': {
      const capabilities = { tools: {} };
      const serverInfo = { name: 'raw', version: '1' };
      return reply({ result: { protocolVersion: '2025-06-18', capabilities, serverInfo } });
    }
    case 'tools/list':
      return reply({ result: { tools: [scriptedTool('look'), scriptedTool('set')] } });
    case 'tools/call': {
      calls.push(params?.name ?? '');
      if (onCall(response, { ...(id === undefined ? {} : { id }), method })) return;
      return reply({ result: { content: [{ type: 'text', text: 'done' }] } });
    }
    default:
      if (id === undefined) return void response.writeHead(202).end();
      return reply({ error: { code: -32601, message: 'no such method' } });
  }
}

async function open(): Promise<void> {
  [calls, methods, session, isSseOnly] = [[], [], 's1', false];
  onCall = () => false;
  http = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      if (request.method !== 'POST' || isSseOnly) return void response.writeHead(405).end();
      const message = JSON.parse(body) as Message;
      methods.push(message.method);
      const given = request.headers['mcp-session-id'];
      const isNew = message.method === 'initialize' || message.method === 'server/discover';
      if (!isNew && given !== session) {
        const error = { code: -32001, message: 'Session not found' };
        const headers = { 'content-type': 'application/json' };
        const text = JSON.stringify({ jsonrpc: '2.0', id: null, error });
        return void response.writeHead(404, headers).end(text);
      }
      return answer(response, message);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
  fixture = await openMcp(() => ({
    servers: [{ id: 'home', url, reads: ['look'], writes: ['set'] }],
    limits: { callTimeoutMs: 3_000 },
  }));
}

const look = async () => (await fixture.call('mcp:home', 'look')).results[0]!;
async function set() {
  const { draft } = await fixture.call('mcp:home', 'set', { text: 'a' });
  return () => fixture.registry.execute(draft!, fixture.context());
}

describe('a write that is answered with an HTTP status', () => {
  test.each<[number, string]>([
    [400, 'GH_TOOL_REFUSED'],
    [401, 'GH_TOOL_LOGIN'],
    [403, 'GH_TOOL_LOGIN'],
    [408, 'GH_TOOL_UNCERTAIN'],
    [409, 'GH_TOOL_REFUSED'],
    [429, 'GH_TOOL_REFUSED'],
    [500, 'GH_TOOL_UNCERTAIN'],
    [502, 'GH_TOOL_UNCERTAIN'],
    [503, 'GH_TOOL_UNCERTAIN'],
    [504, 'GH_TOOL_UNCERTAIN'],
  ])('%i is sent once and ends with %s', async (status, code) => {
    await open();
    const execute = await set();
    onCall = (response) => {
      response.writeHead(status).end('no');
      return true;
    };
    expect((await execute()).error?.code).toBe(code);
    expect(calls).toEqual(['set']);
  });

  test.each<[string, string, string]>([
    ['a page', 'text/html', '<html>login</html>'],
    ['no JSON', 'application/json', '{"jsonrpc":'],
    ['an empty body', 'application/json', ''],
    ['another kind', 'application/xml', '<a/>'],
    ['a stream without an answer', 'text/event-stream', ': ping\n\n'],
  ])('200 with %s is uncertain', async (_name, type, body) => {
    await open();
    const execute = await set();
    onCall = (response) => {
      response.writeHead(200, { 'content-type': type }).end(body);
      return true;
    };
    expect((await execute()).error?.code).toBe('GH_TOOL_UNCERTAIN');
    expect(calls).toEqual(['set']);
  });
});

describe('a server that has forgotten its session', () => {
  test('gets a new one, and the read', async () => {
    await open();
    expect((await look()).summary).toContain('done');
    session = 's2';
    expect((await look()).summary).toContain('done');
    expect(methods.filter((method) => method === 'initialize')).toHaveLength(2);
  });

  test('gets a write once, in the new session', async () => {
    await open();
    const execute = await set();
    session = 's2';
    expect(await execute()).toMatchObject({ ok: true });
    expect(calls).toEqual(['set']);
  });

  test('between the list and the call: the write did not run, and the next one does', async () => {
    await open();
    const execute = await set();
    onCall = (response) => {
      session = 's2';
      response.writeHead(404).end();
      return true;
    };
    expect((await execute()).error?.code).toBe('GH_TOOL_REFUSED');
    onCall = () => false;
    expect(await execute()).toMatchObject({ ok: true });
    expect(calls).toEqual(['set', 'set']);
  });
});

test('a server of the transport of 2024 is reported with what it lacks', async () => {
  await open();
  isSseOnly = true;
  await fixture.reopen();
  expect(fixture.mcp.views()[0]?.problem).toMatch(/Streamable HTTP/);
  expect((await look()).error?.code).toBe('GH_TOOL_UNREACHABLE');
});
