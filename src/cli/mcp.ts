/** `gatehouse mcp`: the servers of a running core, and direct calls of a server for its operator. */
import { createInterface } from 'node:readline/promises';
import { dataFolderOf } from '#app/config/database-settings';
import { loadConfig } from '#app/config/load-config';
import { CommandError, UsageError, type CoreClient } from '#http/client/core-client';
import { createMcp, type McpServers } from '#mcp/mcp';
import { McpCallError } from '#mcp/mcp-connection';
import { exactJson } from '#mcp/mcp-tool';
import { mcpTextsOf } from '#mcp/mcp-texts';
import { resultText } from '#mcp/tool-result';
import { systemClock } from '#shared/clock';
import { createLog } from '#shared/log';
import type { McpServerView } from '#shared/wire/mcp-view';
import { oneLine } from '#tools/sanitize-text';
import { localTime } from './printed-list.ts';

export async function listServers(client: CoreClient, json: boolean): Promise<void> {
  const page = await client.request<{ servers: McpServerView[] }>('GET', '/mcp/servers');
  if (json) return console.log(JSON.stringify(page));
  if (page.servers.length === 0) console.log('no MCP servers are configured');
  for (const server of page.servers) {
    const { id, state, problem, protocol_version: version, starts } = server;
    const facts = [server.transport, ...(version === null ? [] : [version]), `${starts} starts`];
    console.log(`${id}  ${state}  (${facts.join(', ')})${problem === null ? '' : `  ${problem}`}`);
    if (server.login === 'needed') console.log(`  needs a login: gatehouse mcp login ${id}`);
    for (const tool of server.tools) console.log(`  ${toolLine(tool)}`);
  }
}

function toolLine(tool: McpServerView['tools'][number]): string {
  const { name, effect, state, changed, accepted_at: acceptedAt } = tool;
  const asks = tool.is_tightened ? 'asks (by its hints)' : effect === 'writes' ? 'asks' : 'reads';
  const what = state === 'quarantined' && changed.length > 0 ? ` (${changed.join(', ')})` : '';
  const since = acceptedAt === null ? '' : `  accepted ${localTime(acceptedAt)}`;
  const hash = tool.hash === null ? '' : `  ${tool.hash.slice(0, 12)}`;
  return `${name.padEnd(28)} ${asks.padEnd(20)} ${state}${what}${since}${hash}`;
}

export interface DirectCommand {
  configFile: string | undefined;
  id: string;
  json: boolean;
}

/** Lists all tools of the server, also those that the configuration does not list. */
export const probeServer = (command: DirectCommand): Promise<void> =>
  withServer(command, async (mcp, id) => {
    const server = mcp.find(id);
    await server.refresh();
    const tools = server.offeredTools();
    if (command.json) return console.log(JSON.stringify({ tools }));
    const listed = new Map(server.tools.map((tool) => [tool.name, tool]));
    for (const { name, description = '', annotations = {} } of tools) {
      const tool = listed.get(name);
      const state = tool === undefined ? 'not listed' : `${tool.effect}, ${tool.state}`;
      const hints = Object.entries(annotations).filter(([, value]) => value === true);
      const words = hints.map(([hint]) => hint.replace(/Hint$/, '')).join(' ');
      console.log(`${name}  (${state}${words === '' ? '' : `; hints: ${words}`})`);
      console.log(`  ${oneLine(description, 160)}`);
    }
  });

interface CallCommand extends DirectCommand {
  tool: string;
  input: string;
  /** A write is called without asking. */
  yes: boolean;
}

/** Calls a listed tool. Before a write it asks on the terminal. */
export const callTool = (command: CallCommand): Promise<void> =>
  withServer(command, async (mcp, id) => {
    const args = parseInput(command.input);
    const server = mcp.find(id);
    await server.refresh();
    const writes = server.tools.some(
      ({ name, effect }) => name === command.tool && effect === 'writes',
    );
    if (writes && !command.yes && !(await isConfirmed(id, command.tool, args))) {
      return console.error('it was not called');
    }
    const result = await server.call(command.tool, args, {
      signal: new AbortController().signal,
      isRepeatable: false,
      isFresh: false,
    });
    if (command.json) console.log(JSON.stringify(result));
    else console.log(resultText(result, resultCharsMax, 'en'));
    if (result.isError === true) throw new CommandError(`${id}.${command.tool} reported an error`);
  });

/** Shows what would be called. @throws UsageError where nobody can be asked */
async function isConfirmed(id: string, tool: string, args: object): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError(
      `${id}.${tool} writes: call it with --yes, or on a terminal that can be asked`,
    );
  }
  console.error(mcpTextsOf('en').draft(id, tool, exactJson(args)));
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await terminal.question('Call it? [y/N] ')).trim());
  } finally {
    terminal.close();
  }
}

const resultCharsMax = 100_000;

export const acceptTools = (command: DirectCommand): Promise<void> =>
  withServer(command, async (mcp, id) => {
    const changed = await mcp.accept(id);
    const twice = mcp.find(id).tools.find(({ state }) => state === 'quarantined');
    if (twice !== undefined) {
      throw new CommandError(`${id}: the server gives two tools of the name ${twice.name}`);
    }
    const names = changed.map(({ name, changed: parts }) => `${name} (${parts.join(', ')})`);
    if (command.json) console.log(JSON.stringify({ accepted: changed.map(({ name }) => name) }));
    else console.log(names.length === 0 ? 'nothing has changed' : `accepted: ${names.join('; ')}`);
  });

function parseInput(input: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(input);
  } catch {
    parsed = null;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`mcp call: expected a JSON object, found ${oneLine(input, 80)}`);
  }
  return parsed as Record<string, unknown>;
}

/** With a process of its own for a server on standard input and output; it is gone at the end. */
export async function withServer(
  { configFile, id }: DirectCommand,
  work: (mcp: McpServers, id: string) => Promise<void>,
): Promise<void> {
  const { config } = loadConfig(configFile);
  const mcp = createMcp({
    settings: config.mcp,
    folder: dataFolderOf(config),
    clock: systemClock,
    log: createLog({ ...config.logging, level: 'error' }),
  });
  try {
    await work(mcp, id);
  } catch (error) {
    if (!(error instanceof McpCallError)) throw error;
    const advice = error.kind === 'logged_out' ? `; log in: gatehouse mcp login ${id}` : '';
    throw new CommandError(`${id}: ${error.message}${advice}`, { cause: error });
  } finally {
    await mcp.stop();
  }
}
