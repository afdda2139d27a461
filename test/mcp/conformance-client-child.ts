/**
 * The client of the official conformance suite: the suite starts it with the address of its test server as the last
 * argument. It does what Gatehouse does with a server: connects, reads the list of tools, and calls tools.
 */
import { connectToServer, type ToolDefinition } from '#mcp/mcp-connection';
import { mcpSchema } from '#mcp/mcp-settings';
import { silentLog } from '#shared/log';

interface ScenarioContext {
  toolCalls?: { name: string; arguments?: Record<string, unknown> }[];
}

const url = process.argv.at(-1)!;
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as ScenarioContext;
const settings = mcpSchema.parse({ servers: [{ id: 'suite', url }] }).servers[0]!;
const signal = AbortSignal.timeout(20_000);

const connection = await connectToServer({
  settings,
  timeoutMs: 5_000,
  signal,
  log: silentLog(),
  onToolsChanged: () => undefined,
  onClosed: () => undefined,
});
const tools = await connection.listTools(5_000);

/** The calls that the scenario asks for; else each tool once, with values that fit its schema. */
const calls =
  context.toolCalls ?? tools.map((tool) => ({ name: tool.name, arguments: sampleOf(tool) }));
for (const { name, arguments: args = {} } of calls) {
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined) continue;
  try {
    await connection.call(tool, args, { timeoutMs: 15_000, signal });
  } catch (error) {
    // The suite looks at what was sent.
    console.error(`${name}: ${(error as Error).message}`);
  }
}
await connection.close();

function sampleOf({ inputSchema: { properties = {} } }: ToolDefinition): Record<string, unknown> {
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
