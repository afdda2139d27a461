/**
 * The MCP server behind the door: the tools of `doorTools` for one person. It keeps nothing between two requests.
 *
 * An error of a tool is a result with `isError` and a code of docs/errors.md: the model reads it, and can do better.
 * Only an unknown tool is an error of the protocol.
 */
import {
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type CallToolResult,
  type ListToolsResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { parseInput } from '#shared/parse-input';
import type { DoorService } from './door-service.ts';
import type { DoorCall, DoorTool } from './door-tool.ts';
import { doorTools } from './door-tools.ts';

/** How a call of a tool has ended, for the metrics. */
export type DoorOutcome = 'ok' | 'error' | 'cancelled';

export interface DoorServerOptions {
  service: DoorService;
  version: string;
  nextId(): string;
  /** What the transport knows of a request. */
  requestOf(context: ServerContext): DoorRequest;
  onCall?(tool: string, outcome: DoorOutcome): void;
  /** For tests of the transport. */
  otherTools?: readonly DoorTool[] | undefined;
}

export interface DoorRequest {
  signal: AbortSignal;
  isCancelled(): boolean;
  requestKey: string | null;
  /** False: the client cannot read progress. */
  canStream: boolean;
}

const instructions =
  'Gatehouse is the personal assistant of one person. Send messages with chat; read slow replies with get_job. What it would write waits as a draft until the person confirms it themselves: you cannot.';

export function createDoorServer(options: DoorServerOptions): Server {
  const { version, otherTools: tools = doorTools } = options;
  const server = new Server(
    { name: 'gatehouse', title: 'Gatehouse', version },
    { capabilities: { tools: {} }, instructions },
  );
  const listed = listedTools(tools);
  server.setRequestHandler('tools/list', () => listed);
  server.setRequestHandler('tools/call', async (request, context) => {
    const { name, arguments: input } = request.params;
    const tool = tools.find((one) => one.name === name);
    if (tool === undefined) {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool ${name}`);
    }
    const call = callOf(options, context);
    const result = await callTool(options, tool, input, call);
    const isCancelled = call.signal.aborted && call.isCancelled();
    options.onCall?.(name, isCancelled ? 'cancelled' : result.isError === true ? 'error' : 'ok');
    return result;
  });
  return server;
}

const lists = new WeakMap<readonly DoorTool[], ListToolsResult>();

/** Made once: a client asks for the list with each connection. */
function listedTools(tools: readonly DoorTool[]): ListToolsResult {
  const known = lists.get(tools);
  if (known !== undefined) return known;
  const list = {
    tools: tools.map(({ name, title, description, input, output, hints }) => ({
      name,
      title,
      description,
      inputSchema: jsonSchemaOf(input, 'input'),
      outputSchema: jsonSchemaOf(output, 'output'),
      annotations: { title, ...hints },
    })),
  };
  lists.set(tools, list);
  return list;
}

type ObjectSchema = ListToolsResult['tools'][number]['inputSchema'];

/** JSON Schema as all clients read it: an object at the root, without references, which some do not follow. */
function jsonSchemaOf(schema: z.ZodObject, io: 'input' | 'output'): ObjectSchema {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io, reused: 'inline' });
  return json as ObjectSchema;
}

async function callTool(
  { service }: DoorServerOptions,
  tool: DoorTool,
  input: Record<string, unknown> | undefined,
  call: DoorCall,
): Promise<CallToolResult> {
  try {
    const given = parseInput(tool.input, withoutNulls(input ?? {}));
    const { text, data, isError = false } = await tool.run(service, given, call);
    return {
      content: [{ type: 'text', text }],
      structuredContent: data,
      ...(isError ? { isError } : {}),
    };
  } catch (error) {
    const { code, message, remedy } = service.describe(error);
    const text = [code === null ? message : `${code}: ${message}`, remedy ?? ''].join('\n').trim();
    return { content: [{ type: 'text', text }], isError: true };
  }
}

/** Small models send null for what they leave out. */
const withoutNulls = (input: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));

function callOf(options: DoorServerOptions, context: ServerContext): DoorCall {
  const { signal, isCancelled, requestKey, canStream } = options.requestOf(context);
  const progressToken = canStream ? context.mcpReq['_meta']?.progressToken : undefined;
  let progress = 0;
  return {
    signal,
    isCancelled,
    requestKey,
    nextId: options.nextId,
    wantsProgress: progressToken !== undefined,
    progress(message) {
      if (progressToken === undefined || signal.aborted) return;
      progress += 1;
      const params = { progressToken, progress, message };
      // Rejects when the client has left.
      context.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
    },
  };
}
