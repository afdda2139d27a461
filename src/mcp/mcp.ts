/** The MCP servers of one installation: their tools for the registry and for the classifier, and their states. */
import { join } from 'node:path';
import type { ModelTool } from '#language/classification/operation-port';
import type { Clock } from '#shared/clock';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import type { Tool } from '#tools/tool';
import { McpServer, startTimeoutMs, type McpServerView } from './mcp-server.ts';
import type { McpSettings } from './mcp-settings.ts';
import { createMcpTool } from './mcp-tool.ts';
import { createToolOffer } from './offered-tools.ts';
import { openToolPins } from './tool-pins.ts';

export interface Mcp {
  readonly servers: readonly McpServer[];
  /** One per server. */
  readonly tools: readonly Tool[];
  /** The tools that fit a message of this user, for the classifier. */
  offer(message: string, userId: string): ModelTool[];
  views(): McpServerView[];
  /** Starts every server once in the background, to learn its tools. */
  start(): void;
  /** Accepts the present definitions of a server's listed tools. @throws GH_MCP_UNKNOWN, GH_MCP_PINS, McpCallError */
  accept(serverId: string): Promise<void>;
  /** @throws GatehouseError GH_MCP_UNKNOWN */
  find(serverId: string): McpServer;
  /** Resolves when no process of a server is left. */
  stop(): Promise<void>;
}

/** Longest time of a call, with the start of its server. */
export const mcpLimitMs = ({ servers, limits }: McpSettings): number =>
  servers.length === 0 ? 0 : startTimeoutMs + limits.callTimeoutMs;

export interface McpOptions {
  settings: McpSettings;
  /** Folder of the file with the accepted definitions. */
  folder: string;
  clock: Clock;
  log: Log;
}

export function createMcp({ settings, folder, clock, log }: McpOptions): Mcp {
  const { limits } = settings;
  const pins = openToolPins(join(folder, 'mcp-tools.json'), () => clock.now());
  const servers = settings.servers.map(
    (one) =>
      new McpServer({
        settings: one,
        callTimeoutMs: limits.callTimeoutMs,
        pins,
        clock,
        log,
      }),
  );
  const limitMs = mcpLimitMs(settings);
  const offered = createToolOffer(servers, limits);
  const find = (id: string): McpServer => {
    const found = servers.find((server) => server.id === id);
    if (found === undefined) throw new GatehouseError('GH_MCP_UNKNOWN', `no MCP server ${id}`);
    return found;
  };
  return {
    servers,
    tools: servers.map((server) =>
      createMcpTool({ server, resultChars: limits.resultChars, limitMs }),
    ),
    offer: (message, userId) => offered.modelTools(message, userId),
    views: () => servers.map((server) => server.view()),
    start() {
      for (const server of servers) {
        server.refresh().catch((error: unknown) => {
          log.warn({ mcp: server.id, error: messageOf(error) }, 'an MCP server did not start');
        });
      }
    },
    async accept(id) {
      const server = find(id);
      await server.refresh();
      pins.accept(id, server.definitions());
    },
    find,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}
