/** The MCP servers of a configuration, with a registry and a context for calls. */
import { createMcp, type McpServers } from '#mcp/mcp';
import { mcpSchema } from '#mcp/mcp-settings';
import { silentLog } from '#shared/log';
import { systemClock } from '#shared/clock';
import type { ToolContext } from '#shared/tool-context';
import { createToolRegistry, type ToolRegistry } from '#tools/registry';
import { scratchFolder } from '#test/support/journal';

export interface McpFixture {
  mcp: McpServers;
  registry: ToolRegistry;
  folder: string;
  context(change?: Partial<ToolContext>): ToolContext;
  /** The result of one call of a read or a draft, as the job gets it. */
  call(
    tool: string,
    operation: string,
    params?: object,
    change?: Partial<ToolContext>,
  ): ReturnType<ToolRegistry['run']>;
  /** Stops the servers and starts them again with the same accepted definitions. */
  reopen(change?: object): Promise<void>;
  close(): Promise<void>;
}

/** `settings` gets the folder of the test. Every server has given its list of tools, or has failed. */
export async function openMcp(settings: (folder: string) => object): Promise<McpFixture> {
  const scratch = scratchFolder();
  const open = async (change: object): Promise<Pick<McpFixture, 'mcp' | 'registry'>> => {
    const parsed = mcpSchema.parse({ ...settings(scratch.path), ...change });
    const log = silentLog();
    const mcp = createMcp({ settings: parsed, folder: scratch.path, clock: systemClock, log });
    await Promise.all(mcp.servers.map((server) => server.refresh().catch(() => undefined)));
    return { mcp, registry: createToolRegistry({ tools: mcp.tools, log }) };
  };
  const fixture: McpFixture = {
    ...(await open({})),
    folder: scratch.path,
    context: (change = {}) => ({
      userId: 'kim',
      locale: 'en',
      now: new Date().toISOString(),
      timeZone: 'Asia/Seoul',
      signal: new AbortController().signal,
      key: 'key',
      ...change,
    }),
    call: (tool, operation, params = {}, change = {}) =>
      fixture.registry.run(
        [{ tool, operation, params: params as Record<string, unknown> }],
        fixture.context(change),
      ),
    async reopen(change = {}) {
      await fixture.mcp.stop();
      Object.assign(fixture, await open(change));
    },
    async close() {
      await fixture.mcp.stop();
      scratch.remove();
    },
  };
  return fixture;
}
