/** Prometheus metrics of MCP servers, read at each scrape. Their calls are in the metrics of tools. */
import { Counter, Gauge, type Registry } from 'prom-client';
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
