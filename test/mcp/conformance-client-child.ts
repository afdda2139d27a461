/**
 * The client of the official conformance suite: the suite starts it with the address of its test server as the last
 * argument. It does what Gatehouse does with a server: connects, reads the list of tools, and calls tools. Where the
 * server wants a login, the browser is a fetch that follows the redirects.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { discoverOAuthServerInfo } from '@modelcontextprotocol/client';
import {
  connectToServer,
  McpCallError,
  type McpConnection,
  type ToolDefinition,
} from '#mcp/mcp-connection';
import { mcpSchema } from '#mcp/mcp-settings';
import { logIn } from '#mcp/oauth/log-in';
import { openLoginStore } from '#mcp/oauth/login-store';
import { OAuthSession } from '#mcp/oauth/oauth-session';
import { systemClock } from '#shared/clock';
import { silentLog } from '#shared/log';

interface ScenarioContext {
  toolCalls?: { name: string; arguments?: Record<string, unknown> }[];
  client_id?: string;
  client_secret?: string;
  issuer?: string;
}

const url = process.argv.at(-1)!;
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as ScenarioContext;
const oauth = scenario.startsWith('auth/') ? { oauth: await oauthOf(context) } : {};
const settings = mcpSchema.parse({ servers: [{ id: 'suite', url, ...oauth }] }).servers[0]!;
const signal = AbortSignal.timeout(110_000);
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-conformance-'));
const store = openLoginStore(join(folder, 'mcp-logins.json'));
const log = silentLog();
const login = { serverId: 'suite', url, store, clock: systemClock };
const session =
  settings.oauth === undefined
    ? undefined
    : new OAuthSession({ ...login, settings: settings.oauth, log });

try {
  await run();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const connection = await afterLogin(() =>
    connectToServer({
      settings,
      login: session,
      timeoutMs: 60_000,
      signal,
      log,
      onToolsChanged: () => undefined,
      onClosed: () => undefined,
    }),
  );
  try {
    await callTools(connection);
  } finally {
    await connection.close();
  }
}

async function callTools(connection: McpConnection): Promise<void> {
  const tools = await afterLogin(() => connection.listTools(60_000));
  /** The calls that the scenario asks for; else each tool once, with values that fit its schema. */
  const calls =
    context.toolCalls ??
    tools.map((tool) => ({ name: tool.name, arguments: sampleOf(tool, tools) }));
  for (const { name, arguments: args = {} } of calls) {
    const tool = tools.find((one) => one.name === name);
    if (tool === undefined) continue;
    try {
      await afterLogin(() => connection.call(tool, args, { timeoutMs: 15_000, signal }));
    } catch (error) {
      // The suite looks at what was sent.
      console.error(`${name}: ${(error as Error).message}`);
    }
  }
}

/** A person logs in and asks again, as the message tells them; not for ever. */
async function afterLogin<Value>(work: () => Promise<Value>, logins = 2): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof McpCallError) || error.kind !== 'logged_out' || logins === 0)
      throw error;
    await logIn({ ...login, settings: settings.oauth!, show: visit, signal });
    return afterLogin(work, logins - 1);
  }
}

function visit(address: URL): void {
  fetch(address).catch((error: unknown) => console.error(`the browser: ${String(error)}`));
}

async function oauthOf({ client_id, client_secret, issuer }: ScenarioContext): Promise<object> {
  const configured =
    client_id === undefined
      ? { clientMetadataUrl: 'https://conformance-test.local/client-metadata.json' }
      : { clientId: client_id };
  if (client_secret === undefined) return configured;
  const named = issuer ?? (await discoverOAuthServerInfo(url)).authorizationServerUrl;
  const grant = scenario.startsWith('auth/client-credentials') ? 'client_credentials' : 'login';
  return { ...configured, clientSecret: client_secret, issuer: named, grant };
}

function sampleOf(
  { inputSchema: { properties = {} } }: ToolDefinition,
  tools: readonly ToolDefinition[],
): Record<string, unknown> {
  const valueOf = (schema: unknown): unknown => {
    const { type } = schema as { type?: string };
    if (type === 'number' || type === 'integer') return 1;
    // A tool that takes an object wants the schema of the first tool, as the client has read it.
    if (type === 'object') return tools[0]?.inputSchema;
    return type === 'boolean' ? true : 'text';
  };
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valueOf(schema)]),
  );
}
