/**
 * The server scenarios of the official conformance suite against `POST /mcp`, in both requirement sets. The suite calls
 * tools of its own by their names: those that answer with text are served beside ours.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { doorRoutes } from '#http/mcp/door-routes';
import type { DoorService } from '#http/mcp/door-service';
import type { DoorTool } from '#http/mcp/door-tool';
import { doorTools } from '#http/mcp/door-tools';
import { startServer, type HttpServer } from '#http/server/server';
import { GatehouseError } from '#shared/errors';
import { createIdSource } from '#shared/ids';
import { silentLog } from '#shared/log';

const runFile = promisify(execFile);
const suite = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));
const expectedFailures = join(import.meta.dirname, 'cases', 'conformance-expected-failures.yaml');

const toolOfSuite = (name: string, run: DoorTool['run']): DoorTool => ({
  name,
  title: name,
  description: 'A tool of the conformance suite.',
  input: z.object({}),
  output: z.object({}),
  hints: { readOnlyHint: true, openWorldHint: false },
  run,
});

const toolsOfSuite = [
  toolOfSuite('test_simple_text', () =>
    Promise.resolve({ text: 'This is a simple text response for testing.', data: {} }),
  ),
  toolOfSuite('test_error_handling', () =>
    Promise.reject(new GatehouseError('GH_TOOL_FAILED', 'This tool fails on purpose')),
  ),
  toolOfSuite('test_tool_with_progress', (_service, _input, call) => {
    for (const stage of ['first', 'second', 'third']) call.progress(stage);
    return Promise.resolve({ text: 'done', data: {} });
  }),
];

let server: HttpServer;
beforeAll(async () => {
  const service: Pick<DoorService, 'describe'> = {
    describe: (error) => ({ code: 'GH_TOOL_FAILED', message: String(error), remedy: null }),
  };
  const door = doorRoutes({
    serviceOf: () => service as DoorService,
    cancelRequest: () => Promise.resolve(),
    limits: { chargeUser: () => undefined },
    version: '1',
    nextId: createIdSource(),
    otherTools: [...doorTools, ...toolsOfSuite],
    log: silentLog(),
  });
  server = await startServer({
    host: '127.0.0.1',
    port: 0,
    apiKeys: [],
    ownerOf: () => Promise.resolve(''),
    log: silentLog(),
    routes: [door],
  });
});
afterAll(() => server.close());

test.each(['2025-11-25', '2026-07-28'])('the scenarios of %s', async (revision) => {
  // Ends with 1 if a check fails that is not listed, or if one that is listed passes.
  const args = [
    'server',
    '--url',
    `${server.url}/mcp`,
    '--suite',
    'all',
    '--spec-version',
    revision,
  ];
  const { stdout } = await runFile(
    process.execPath,
    [suite, ...args, '--expected-failures', expectedFailures],
    { maxBuffer: 16 * 1024 * 1024 },
  ).catch((error: unknown) => {
    throw new Error((error as { stdout: string }).stdout.slice(-6_000), { cause: error });
  });
  const passed = [...stdout.matchAll(/^✓ ([\w-]+): [1-9]/gm)].map(([, name]) => name);
  expect(passed).toEqual(
    expect.arrayContaining([
      'tools-list',
      'tools-call-simple-text',
      'tools-call-error',
      'tools-call-with-progress',
      'server-sse-multiple-streams',
      'dns-rebinding-protection',
    ]),
  );
});
