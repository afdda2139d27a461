/** The life of one MCP server over connections that the test holds: idle stop, pauses after failures, the circuit. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { McpCallError, type McpConnection, type ToolDefinition } from '#mcp/mcp-connection';
import { circuitOpenMs, failuresMax, idleMs, McpServer } from '#mcp/mcp-server';
import { mcpSchema } from '#mcp/mcp-settings';
import { openLoginStore } from '#mcp/oauth/login-store';
import { openToolPins } from '#mcp/tool-pins';
import { silentLog } from '#shared/log';
import { scratchFolder } from '#test/support/journal';

let scratch: ReturnType<typeof scratchFolder>;
let server: McpServer;
let starts: number;
let closed: number;
/** Thrown by the next starts. */
let fault: Error | null;
let call: () => Promise<{ content: [] }>;
let end: () => void;

const look: ToolDefinition = { name: 'look', inputSchema: { type: 'object' } };

beforeEach(() => {
  vi.useFakeTimers();
  scratch = scratchFolder();
  [starts, closed, fault] = [0, 0, null];
  call = () => Promise.resolve({ content: [] });
  const { servers } = mcpSchema.parse({
    servers: [{ id: 'home', command: ['x'], reads: ['look'] }],
  });
  server = new McpServer({
    settings: servers[0]!,
    callTimeoutMs: 1_000,
    pins: openToolPins(join(scratch.path, 'pins.json'), () => Date.now()),
    logins: openLoginStore(join(scratch.path, 'logins.json')),
    clock: { now: () => Date.now() },
    log: silentLog(),
    connect({ onClosed }) {
      starts += 1;
      if (fault !== null) return Promise.reject(fault);
      let isOpen = true;
      end = () => {
        isOpen = false;
        onClosed();
      };
      const connection: McpConnection = {
        serverName: 'home',
        protocolVersion: '2025-11-25',
        pid: null,
        get isOpen() {
          return isOpen;
        },
        listTools: () => Promise.resolve([look]),
        call: () => call(),
        close() {
          closed += 1;
          isOpen = false;
          return Promise.resolve();
        },
      };
      return Promise.resolve(connection);
    },
  });
});
afterEach(async () => {
  await server.stop();
  vi.useRealTimers();
  scratch.remove();
});

const used = () =>
  server.call(
    'look',
    {},
    {
      signal: new AbortController().signal,
      isRepeatable: false,
      isFresh: false,
    },
  );
const refused = () => expect(used()).rejects.toMatchObject({ kind: 'unreachable' });

describe('an MCP server', () => {
  test('stops when it was idle, never during a call, and starts again with the next call', async () => {
    await used();
    await vi.advanceTimersByTimeAsync(idleMs - 1);
    expect(closed).toBe(0);
    await used();
    await vi.advanceTimersByTimeAsync(idleMs - 1);
    expect([starts, closed]).toEqual([1, 0]);
    const answer = Promise.withResolvers<{ content: [] }>();
    call = () => answer.promise;
    const running = used();
    await vi.advanceTimersByTimeAsync(2 * idleMs);
    expect(closed).toBe(0);
    answer.resolve({ content: [] });
    await running;
    await vi.advanceTimersByTimeAsync(idleMs);
    expect(closed).toBe(1);
    expect(server.view().state).toBe('idle');
    call = () => Promise.resolve({ content: [] });
    await used();
    expect(starts).toBe(2);
    expect(server.view().state).toBe('ready');
  });

  test('that does not start is tried again after a growing pause, then left alone for minutes', async () => {
    fault = new McpCallError('unreachable', 'no such program');
    const pauses: number[] = [];
    for (let failures = 1; failures < failuresMax; failures += 1) {
      await refused();
      expect(starts).toBe(failures);
      expect(server.view().state).toBe('failing');
      let waited = 0;
      while (server.view().state === 'failing') {
        // No start within the pause.
        await refused();
        expect(starts).toBe(failures);
        await vi.advanceTimersByTimeAsync(100);
        waited += 100;
      }
      pauses.push(waited);
    }
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(pauses.at(-1)).toBeGreaterThan(4 * pauses[0]!);
    await refused();
    expect(server.view()).toMatchObject({ state: 'open', failures: failuresMax });
    await vi.advanceTimersByTimeAsync(circuitOpenMs - 1);
    await refused();
    expect(starts).toBe(failuresMax);
    await vi.advanceTimersByTimeAsync(1);
    fault = null;
    await used();
    expect(server.view()).toMatchObject({ state: 'ready', failures: 0, problem: null });
  });

  test('that ends right after its start counts as failed; later it is only started again', async () => {
    await used();
    end();
    expect(server.view()).toMatchObject({ state: 'failing', problem: 'it has ended' });
    await refused();
    await vi.advanceTimersByTimeAsync(60_000);
    await used();
    await vi.advanceTimersByTimeAsync(60_000);
    end();
    expect(server.view().state).toBe('idle');
    await used();
    expect(starts).toBe(3);
  });
});
