/** The MCP servers of one installation: their tools for the registry and for the classifier, and their states. */
import { join } from 'node:path';
import type { Clock } from '#shared/clock';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { McpServer } from './mcp-server.ts';
import { mcpLimitMs, type McpSettings } from './mcp-settings.ts';
import { createMcpTool } from './mcp-tool.ts';
import { createToolOffer } from './offered-tools.ts';
import type { Mcp } from './mcp-port.ts';
import type { CatalogTool } from './tool-catalog.ts';
import { openLoginStore, type LoginStore } from './oauth/login-store.ts';
import { openToolPins } from './tool-pins.ts';

/** The servers, also for the commands of an operator. */
export interface McpServers extends Mcp {
  readonly servers: readonly McpServer[];
  readonly logins: LoginStore;
  /**
   * Accepts the present definitions of a server's listed tools. Returns those that were quarantined, as they were.
   * @throws GH_MCP_UNKNOWN, GH_MCP_PINS, McpCallError
   */
  accept(serverId: string): Promise<CatalogTool[]>;
  /** @throws GatehouseError GH_MCP_UNKNOWN */
  find(serverId: string): McpServer;
}

export interface McpOptions {
  settings: McpSettings;
  /** Folder of the file with the accepted definitions. */
  folder: string;
  clock: Clock;
  log: Log;
}

export function createMcp({ settings, folder, clock, log }: McpOptions): McpServers {
  const { limits } = settings;
  const pins = openToolPins(join(folder, 'mcp-tools.json'), () => clock.now());
  const logins = openLoginStore(join(folder, 'mcp-logins.json'));
  const servers = settings.servers.map(
    (one) =>
      new McpServer({
        settings: one,
        callTimeoutMs: limits.callTimeoutMs,
        pins,
        logins,
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
    logins,
    tools: servers.map((server) =>
      createMcpTool({ server, resultChars: limits.resultChars, limitMs }),
    ),
    offer: (message, userId) => offered.modelTools(message, userId),
    offerReads: (question, userId) => offered.reads(question, userId),
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
      const changed = server.tools.filter(({ state }) => state === 'quarantined');
      pins.accept(id, server.definitions());
      return changed;
    },
    find,
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}
