/**
 * Prometheus metrics of MCP: the servers, read at each scrape (their calls are in the metrics of tools), and the calls of
 * our own tools by other programs.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { DoorOutcome } from '#http/mcp/door-server';
import type { McpServerView } from '#shared/wire/mcp-view';

export function addMcpMetrics(registry: Registry, servers: () => readonly McpServerView[]): void {
  registry.registerMetric(
    new Gauge({
      name: 'gatehouse_mcp_server_available',
      help: '0 while an MCP server cannot be started; 1 also while it is stopped until it is needed',
      labelNames: ['server'],
      registers: [],
      collect() {
        this.reset();
        for (const { id, state } of servers()) {
          this.set({ server: id }, state === 'failing' || state === 'open' ? 0 : 1);
        }
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'gatehouse_mcp_tools',
      help: 'Listed tools of an MCP server by state: ready, quarantined, missing',
      labelNames: ['server', 'state'],
      registers: [],
      collect() {
        this.reset();
        for (const { id, tools } of servers()) {
          for (const { state } of tools) this.inc({ server: id, state });
        }
      },
    }),
  );
  registry.registerMetric(
    new Counter({
      name: 'gatehouse_mcp_starts_total',
      help: 'Starts of an MCP server',
      labelNames: ['server'],
      registers: [],
      collect() {
        this.reset();
        for (const { id, starts } of servers()) this.inc({ server: id }, starts);
      },
    }),
  );
}

/** Counts the calls of the tools of `POST /mcp`. */
export function mcpDoorCounter(
  registers: Registry[],
): (tool: string, outcome: DoorOutcome) => void {
  const calls = new Counter({
    name: 'gatehouse_mcp_door_calls_total',
    help: 'Calls of the tools of POST /mcp by how they have ended: ok, error, cancelled',
    labelNames: ['tool', 'result'],
    registers,
  });
  return (tool, result) => calls.inc({ tool, result });
}
