/** What the offered tools add to a prompt: at most `promptChars`, at most `toolsOffered`, whatever the definitions are. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { externalToolsText } from '#language/prompts/classification-prompt';
import type { McpConnection, ToolDefinition } from '#mcp/mcp-connection';
import { McpServer } from '#mcp/mcp-server';
import { mcpSchema } from '#mcp/mcp-settings';
import { createToolOffer } from '#mcp/offered-tools';
import { openLoginStore } from '#mcp/oauth/login-store';
import { openToolPins } from '#mcp/tool-pins';
import { silentLog } from '#shared/log';
import { scratchFolder } from '#test/support/journal';

let scratch: ReturnType<typeof scratchFolder>;
let servers: McpServer[];
beforeEach(() => {
  scratch = scratchFolder();
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  scratch.remove();
});

/** Tools of two servers in turn, from one word to long ones with many parameters. */
function definition(n: number): ToolDefinition {
  const properties = Object.fromEntries(
    Array.from({ length: n * 2 }, (_, at) => [
      `parameter_${at}_${'x'.repeat(n)}`,
      { type: 'string', enum: ['on', 'off'], description: 'y'.repeat(50 * n) },
    ]),
  );
  return {
    name: `lamp_${n}`,
    description: `lamp ${'very long '.repeat(n * 20)}`,
    inputSchema: { type: 'object', properties },
  };
}

async function open(): Promise<void> {
  const pins = openToolPins(join(scratch.path, 'pins.json'), () => 0);
  const names = (from: number) => Array.from({ length: 15 }, (_, at) => `lamp_${at * 2 + from}`);
  const settings = mcpSchema.parse({
    servers: [0, 1].map((from) => ({ id: `s${from}`, command: ['x'], reads: names(from) })),
  });
  servers = settings.servers.map(
    (one, from) =>
      new McpServer({
        settings: one,
        callTimeoutMs: 1_000,
        pins,
        logins: openLoginStore(join(scratch.path, 'logins.json')),
        clock: { now: () => Date.now() },
        log: silentLog(),
        connect: () =>
          Promise.resolve({
            serverName: one.id,
            protocolVersion: '2025-11-25',
            pid: null,
            isOpen: true,
            listTools: () =>
              Promise.resolve(Array.from({ length: 15 }, (_, at) => definition(at * 2 + from))),
            call: () => Promise.resolve({ content: [] }),
            close: () => Promise.resolve(),
          } satisfies McpConnection),
      }),
  );
  await Promise.all(servers.map((server) => server.refresh()));
}

test.each([0, 100, 500, 1_000, 2_000, 4_000, 20_000])(
  'offered tools add at most %i characters to the prompt of the classifier, and to the functions of the ask loop',
  async (promptChars) => {
    await open();
    const offer = createToolOffer(servers, { toolsOffered: 8, promptChars });
    const operations = offer.modelTools('lamp', 'kim').flatMap((tool) => tool.operations);
    expect(externalToolsText(operations).length).toBeLessThanOrEqual(promptChars);
    expect(operations.length).toBeLessThanOrEqual(8);
    const reads = offer.reads('lamp', 'kim');
    const chars = reads.reduce((sum, read) => sum + JSON.stringify(read).length, 0);
    expect(chars).toBeLessThanOrEqual(promptChars);
    if (promptChars >= 1_000) expect([operations.length, reads.length]).not.toContain(0);
    if (promptChars === 20_000) expect(operations).toHaveLength(8);
  },
);
