/**
 * One connection to an MCP server. The SDK's client speaks the protocol; this file bounds it and says of each failed
 * call whether the server can have received it.
 *
 * The SDK validates structured content after the tool ran, and repeats a call whose headers the server refused: both
 * are switched off here by a definition without its output schema, and the content is checked by the caller.
 */
import {
  Client,
  InsufficientScopeError,
  ProtocolError,
  ProtocolErrorCode,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type CallToolResult,
  type FetchLike,
  type Tool as ToolDefinition,
  type Transport,
} from '@modelcontextprotocol/client';
import { GatehouseError, messageOf } from '#shared/errors';
import { boundedResponse } from './bounded-response.ts';
import type { Log } from '#shared/log';
import type { McpServerSettings } from './mcp-settings.ts';
import { OAuthFailure } from './oauth/oauth-client.ts';
import type { OAuthSession } from './oauth/oauth-session.ts';
import { messageBytesMax, StdioTransport } from './stdio-transport.ts';
import { repairToolLists } from './tool-list-repair.ts';

export type { CallToolResult, ToolDefinition };

export type CallFailureKind =
  /** The server has not received the call, or has refused it before the tool ran. */
  | 'refused'
  /** The definition of the tool is not the accepted one: the call was not sent. */
  | 'quarantined'
  /** The server cannot be reached: it has not received the call. */
  | 'unreachable'
  /** The server has refused the access. */
  | 'login'
  /** The same, and a person can log in anew (OAuth). */
  | 'logged_out'
  /** The limit has passed, or the caller has gone, after the call was sent. */
  | 'timeout'
  /** The connection ended after the call was sent. */
  | 'lost'
  /** The answer is not one of a tool. */
  | 'unreadable';

export class McpCallError extends Error {
  readonly kind: CallFailureKind;
  /** The server has forgotten the session: only a new connection helps. `call`: it has refused a call of a tool so. */
  readonly sessionLostBy: 'list' | 'call' | null;
  constructor(
    kind: CallFailureKind,
    message: string,
    cause?: unknown,
    sessionLostBy: McpCallError['sessionLostBy'] = null,
  ) {
    super(message, { cause });
    this.kind = kind;
    this.sessionLostBy = sessionLostBy;
  }
}

export interface McpConnection {
  readonly serverName: string;
  readonly protocolVersion: string;
  /** Process id of a server on standard input and output. */
  readonly pid: number | null;
  readonly isOpen: boolean;
  /** @throws McpCallError */
  listTools(timeoutMs: number): Promise<ToolDefinition[]>;
  /** @throws McpCallError */
  call(
    definition: ToolDefinition,
    args: Record<string, unknown>,
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<CallToolResult>;
  /** Resolves when no process of the server is left. */
  close(): Promise<void>;
}

interface ConnectionOptions {
  settings: McpServerSettings;
  /** With `oauth` in the settings. */
  login?: OAuthSession | undefined;
  timeoutMs: number;
  /** Ends the attempt to connect. */
  signal: AbortSignal;
  log: Log;
  /** The server's list of tools has changed. */
  onToolsChanged(): void;
  /** Called once, also after `close`. */
  onClosed(): void;
}

/** Pages of a list of tools: more is a list without an end. */
const pagesMax = 50;
/** Tools of a server; the others of a longer list do not exist. */
const toolsMax = 1_000;

/** @throws McpCallError */
export async function connectToServer(options: ConnectionOptions): Promise<McpConnection> {
  const { timeoutMs, signal, log } = options;
  const transport = transportOf(options);
  const client = createClient(options, transport);
  const asLogin = (error: McpCallError): McpCallError =>
    error.kind === 'login' && options.login !== undefined
      ? new McpCallError('logged_out', error.message, error)
      : error;
  let isOpen = true;
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the client has no other way
  client.onclose = () => {
    isOpen = false;
    options.onClosed();
  };
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- as above
  client.onerror = (error) => log.debug({ error: messageOf(error) }, 'error of an MCP connection');
  const close = async (): Promise<void> => {
    if (transport instanceof StreamableHTTPClientTransport && isOpen) {
      await withLimit(transport.terminateSession(), closeMs).catch(() => undefined);
    }
    await transport.close();
  };
  try {
    await client.connect(transport, { timeout: timeoutMs, signal });
  } catch (error) {
    isOpen = false;
    const failure = asLogin(connectError(error, transport));
    await transport.close().catch(() => undefined);
    throw failure;
  }
  const sent = watchSends(transport);
  return {
    serverName: client.getServerVersion()?.name ?? options.settings.id,
    protocolVersion: client.getNegotiatedProtocolVersion() ?? 'unknown',
    pid: transport instanceof StdioTransport ? transport.pid : null,
    get isOpen() {
      return isOpen;
    },
    async listTools(limitMs) {
      try {
        const { tools } = await client.listTools(undefined, {
          timeout: limitMs,
          cacheMode: 'refresh',
        });
        if (tools.length > toolsMax) {
          log.warn({ given: tools.length, kept: toolsMax }, 'an MCP server gives too many tools');
        }
        return tools.slice(0, toolsMax);
      } catch (error) {
        // No tool was called: the list is not one.
        throw asLogin(callError(error, transport, false));
      }
    },
    async call(definition, args, { timeoutMs: limitMs, signal }) {
      const { outputSchema: _, ...toolDefinition } = definition;
      const before = sent.count;
      try {
        return await client.callTool(
          { name: definition.name, arguments: args },
          { timeout: limitMs, signal, toolDefinition },
        );
      } catch (error) {
        throw asLogin(callError(error, transport, sent.count > before, signal));
      }
    },
    close,
  };
}

function createClient({ onToolsChanged }: ConnectionOptions, transport: Transport): Client {
  return new Client(
    // The version of the program is nothing that a foreign server needs.
    { name: 'gatehouse', version: '1' },
    {
      capabilities: {},
      listMaxPages: pagesMax,
      inputRequired: { autoFulfill: false },
      // A second process only to ask for the version is not worth it.
      versionNegotiation: { mode: transport instanceof StdioTransport ? 'legacy' : 'auto' },
      listChanged: { tools: { autoRefresh: false, onChanged: () => onToolsChanged() } },
    },
  );
}

const closeMs = 1_000;

type TransportOptions = Pick<ConnectionOptions, 'settings' | 'login' | 'log'>;

function transportOf(options: TransportOptions): Transport {
  const transport = plainTransportOf(options);
  repairToolLists(transport, options.log);
  return transport;
}

function plainTransportOf({ settings, login, log }: TransportOptions): Transport {
  const { command, env, cwd, url, headers } = settings;
  if (command !== undefined) return new StdioTransport({ command, env, cwd }, log);
  return new StreamableHTTPClientTransport(new URL(url!), {
    requestInit: { headers },
    fetch: login?.authorize(boundedFetch) ?? boundedFetch,
    reconnectionOptions: {
      initialReconnectionDelay: 500,
      maxReconnectionDelay: 5_000,
      reconnectionDelayGrowFactor: 2,
      maxRetries: 2,
    },
  });
}

/** The body of an answer to a POST is bounded; the stream of notifications (GET) stays open for days. */
const boundedFetch: FetchLike = async (url, init) => {
  const response = await fetch(url, init);
  return init?.method === 'POST' ? boundedResponse(response, messageBytesMax) : response;
};

/** Counts the calls of tools that were handed to the transport: what was not cannot have reached the server. */
function watchSends(transport: Transport): { readonly count: number } {
  const sent = { count: 0 };
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    if ('method' in message && message.method === 'tools/call') sent.count += 1;
    return send(message, options);
  };
  return sent;
}

const connectError = (error: unknown, transport: Transport): McpCallError => {
  const { kind, message } = callError(error, transport, false);
  const isNotThere = error instanceof SdkHttpError && [404, 405].includes(error.status ?? 0);
  const hint = isNotThere
    ? ' (no Streamable HTTP at this address; HTTP+SSE of 2024 is not supported)'
    : '';
  return new McpCallError(kind === 'login' ? kind : 'unreachable', message + hint, error);
};

/** Errors of JSON-RPC that a server answers before it runs a tool. */
const refusals: ReadonlySet<number> = new Set([
  ProtocolErrorCode.ParseError,
  ProtocolErrorCode.InvalidRequest,
  ProtocolErrorCode.MethodNotFound,
  ProtocolErrorCode.InvalidParams,
  ProtocolErrorCode.UnsupportedProtocolVersion,
  ProtocolErrorCode.MissingRequiredClientCapability,
]);

function callError(
  error: unknown,
  transport: Transport,
  wasSent: boolean,
  signal?: AbortSignal,
): McpCallError {
  const kind = signal?.aborted === true && wasSent ? 'timeout' : failureKind(error, wasSent);
  const reason =
    transport instanceof StdioTransport && kind !== 'refused' ? transport.endReason : '';
  const cause = messageOf((error as Error).cause ?? '');
  const status = error instanceof SdkHttpError ? `HTTP ${error.status}` : '';
  const parts = [status, messageOf(error).replace(/: ?$/, ''), cause, reason].filter(
    (part) => part !== '' && part !== 'closed',
  );
  const isSessionLost =
    transport instanceof StreamableHTTPClientTransport &&
    transport.sessionId !== undefined &&
    error instanceof SdkHttpError &&
    error.status === 404;
  const lostBy = isSessionLost ? (wasSent ? 'call' : 'list') : null;
  return new McpCallError(kind, parts.join(': '), error, lostBy);
}

/** Of a server, or of a proxy that has passed the call on. */
const requestTimeoutStatus = 408;

function failureKind(error: unknown, wasSent: boolean): CallFailureKind {
  if (error instanceof InsufficientScopeError) return 'login';
  // No token was to be had: the request was not sent.
  if (error instanceof OAuthFailure || error instanceof GatehouseError) return 'unreachable';
  if (error instanceof SdkHttpError) {
    if (error.status === 401 || error.status === 403) return 'login';
    const isRefused = error.status < 500 && error.status !== requestTimeoutStatus;
    return isRefused ? 'refused' : wasSent ? 'lost' : 'unreachable';
  }
  if (error instanceof ProtocolError) {
    return refusals.has(error.code) ? 'refused' : wasSent ? 'unreadable' : 'unreachable';
  }
  if (!wasSent || isConnectFailure(error)) return 'unreachable';
  if (error instanceof SdkError) {
    switch (error.code) {
      case SdkErrorCode.RequestTimeout:
        return 'timeout';
      case SdkErrorCode.InvalidResult:
      case SdkErrorCode.UnsupportedResultType:
      case SdkErrorCode.ClientHttpUnexpectedContent:
        return 'unreadable';
      default:
        return 'lost';
    }
  }
  return 'lost';
}

/** The connection was never made. */
const isConnectFailure = (error: unknown): boolean => {
  const { code } = ((error as Error).cause ?? error) as { code?: unknown };
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(
    String(code),
  );
};

async function withLimit(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
