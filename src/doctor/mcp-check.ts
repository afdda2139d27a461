/** Doctor check of the MCP servers: each is started and gives its list of tools, which is compared with the accepted one. */
import type { Config } from '#app/config/config';
import { dataFolderOf } from '#app/config/database-settings';
import { createMcp } from '#mcp/mcp';
import { McpCallError } from '#mcp/mcp-connection';
import type { McpServer } from '#mcp/mcp-server';
import type { CheckResult } from '#shared/check-result';
import { checkResultsOf } from '#shared/check-result';
import { systemClock } from '#shared/clock';
import { messageOf } from '#shared/errors';
import { silentLog } from '#shared/log';

export async function checkMcp(config: Config): Promise<CheckResult[]> {
  if (config.mcp.servers.length === 0) return [];
  const folder = dataFolderOf(config);
  const mcp = createMcp({ settings: config.mcp, folder, clock: systemClock, log: silentLog() });
  try {
    const checks = mcp.servers.map((server) => checkServer(server));
    return (await Promise.all(checks)).flat();
  } finally {
    await mcp.stop();
  }
}

async function checkServer(server: McpServer): Promise<CheckResult[]> {
  const { fine, fault } = checkResultsOf(`mcp ${server.id}`);
  try {
    await server.refresh();
  } catch (error) {
    if (error instanceof McpCallError && error.kind === 'logged_out') {
      return [fault(messageOf(error), `log in: gatehouse mcp login ${server.id}`)];
    }
    return [fault(messageOf(error), 'check its command or url with `gatehouse mcp probe ID`')];
  }
  const { tools, protocol_version: version } = server.view();
  const named = (state: string): string[] =>
    tools.filter((tool) => tool.state === state).map(({ name }) => name);
  const results = [fine(`${named('ready').length} of ${tools.length} tools, protocol ${version}`)];
  const missing = named('missing');
  const changed = named('quarantined');
  const tightened = tools.filter((tool) => tool.is_tightened).map(({ name }) => name);
  if (missing.length > 0) {
    const advice = 'correct its reads and writes: `gatehouse mcp probe ID` lists its tools';
    results.push(fault(`does not have ${missing.join(', ')}`, advice));
  }
  if (changed.length > 0) {
    const advice = `look at the change, then: gatehouse mcp accept ${server.id}`;
    results.push(fault(`has changed ${changed.join(', ')}, which are not used`, advice));
  }
  if (tightened.length > 0) {
    const advice = 'they ask before each call: put them under writes';
    results.push(fine(`says that ${tightened.join(', ')} change something`, advice));
  }
  return results;
}
