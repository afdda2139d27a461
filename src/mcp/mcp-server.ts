/**
 * The life of one MCP server: started when it is needed, stopped when it was idle, started again after a failure with a
 * growing pause, and left alone for minutes after several failures in a row (circuit).
 *
 * A call is sent at most once, unless it may be repeated (`isRepeatable`): then once more, after the answer of the
 * first was lost.
 */
import { exponentialBackoffMs } from '#shared/backoff';
import type { Clock } from '#shared/clock';
import { messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import type { McpServerView } from '#shared/wire/mcp-view';
import {
  connectToServer,
  McpCallError,
  type CallToolResult,
  type McpConnection,
  type ToolDefinition,
} from './mcp-connection.ts';
import { startTimeoutMs, type McpServerSettings } from './mcp-settings.ts';
import type { LoginStore } from './oauth/login-store.ts';
import { OAuthSession } from './oauth/oauth-session.ts';
import {
  catalogOf,
  isReady,
  withoutDefinitions,
  type CatalogTool,
  type ReadyTool,
} from './tool-catalog.ts';
import type { ToolPins } from './tool-pins.ts';

interface McpServerOptions {
  settings: McpServerSettings;
  callTimeoutMs: number;
  pins: ToolPins;
  logins: LoginStore;
  clock: Clock;
  log: Log;
  /** For tests. */
  connect?: typeof connectToServer;
}

export const idleMs = 5 * 60_000;
const firstBackoffMs = 500;
const backoffMsMax = 60_000;
/** Failures in a row that open the circuit, and how long it stays open. */
export const failuresMax = 5;
export const circuitOpenMs = 5 * 60_000;
/** A connection that ends within this time counts as a failed start. */
const stableMs = 10_000;

export class McpServer {
  readonly id: string;
  readonly settings: McpServerSettings;
  readonly #options: McpServerOptions;
  readonly #log: Log;
  readonly #login: OAuthSession | undefined;
  /** Of the stored logins, when the last start failed. */
  #loginsVersion = '';
  #connection: McpConnection | null = null;
  #connecting: Promise<McpConnection> | null = null;
  /** Null until the server has given its list. */
  #offered: ToolDefinition[] | null = null;
  #catalog: { tools: CatalogTool[]; pinsVersion: string } | null = null;
  readonly #unknown: readonly CatalogTool[];
  #isListStale = true;
  #failures = 0;
  #starts = 0;
  #retryAt = 0;
  #problem: string | null = null;
  /** Of the last failure: a call during the pause after it says the same. */
  #problemKind: 'login' | 'logged_out' | 'unreachable' = 'unreachable';
  #running = 0;
  #idleTimer: NodeJS.Timeout | null = null;
  readonly #stopping = new AbortController();
  readonly #closing = new Set<Promise<void>>();

  constructor(options: McpServerOptions) {
    this.#options = options;
    this.settings = options.settings;
    this.id = options.settings.id;
    this.#unknown = withoutDefinitions(options.settings, 'unknown');
    this.#log = options.log.child({ mcp: this.id });
    const { url, oauth } = options.settings;
    if (url === undefined || oauth === undefined) return;
    const { clock, logins: store } = options;
    const session = { serverId: this.id, url, settings: oauth, store, clock, log: this.#log };
    this.#login = new OAuthSession(session);
  }

  /** The listed tools. Another process may have accepted definitions since the last look. */
  get tools(): readonly CatalogTool[] {
    if (this.#offered === null) return this.#unknown;
    const { pins } = this.#options;
    if (this.#catalog?.pinsVersion !== pins.version()) {
      this.#catalog = { tools: this.#listedTools(this.#offered), pinsVersion: pins.version() };
    }
    return this.#catalog.tools;
  }

  /** If the accepted definitions cannot be read, no tool is used. */
  #listedTools(offered: readonly ToolDefinition[]): CatalogTool[] {
    try {
      return catalogOf(this.settings, offered, this.#options.pins);
    } catch (error) {
      this.#problem = messageOf(error);
      this.#log.error({ error: this.#problem }, 'the accepted MCP tools cannot be read');
      return withoutDefinitions(this.settings, 'quarantined');
    }
  }

  /** The present definitions of the listed tools, one of each name. */
  definitions(): ToolDefinition[] {
    return this.tools.flatMap(({ definition }) => definition ?? []);
  }

  /** All tools that the server gave, also those that the configuration does not list. */
  offeredTools(): readonly ToolDefinition[] {
    return this.#offered ?? [];
  }

  view(): McpServerView {
    const isOpen = this.#connection?.isOpen === true;
    const waits = this.#options.clock.now() < this.#retryAt;
    const failing = this.#failures >= failuresMax ? 'open' : 'failing';
    const login = this.#loginState();
    return {
      id: this.id,
      transport: this.settings.command === undefined ? 'http' : 'stdio',
      state: isOpen ? 'ready' : this.#connecting ? 'starting' : waits ? failing : 'idle',
      problem: this.#problem,
      protocol_version: this.#connection?.protocolVersion ?? null,
      starts: this.#starts,
      failures: this.#failures,
      login,
      users: this.settings.users ?? null,
      tools: this.tools.map(({ name, effect, isTightened, state, changed, pin }) => ({
        name,
        effect,
        is_tightened: isTightened,
        state,
        changed,
        accepted_at: pin?.acceptedAt ?? null,
        hash: pin?.hash ?? null,
      })),
    };
  }

  /** If the logins cannot be read, a person has to do something. */
  #loginState(): McpServerView['login'] {
    try {
      return this.#login?.state ?? null;
    } catch (error) {
      this.#problem = messageOf(error);
      return 'needed';
    }
  }

  /** Connects and reads the list of tools, unless that was done. @throws McpCallError, GatehouseError GH_MCP_PINS */
  async refresh(): Promise<void> {
    await this.#use(async (connection) => this.#list(connection));
  }

  /**
   * Calls a tool whose present definition is the accepted one. `isFresh` reads the list again before.
   * @throws McpCallError; `refused` if the tool is not ready
   */
  call(
    name: string,
    args: Record<string, unknown>,
    options: { signal: AbortSignal; isRepeatable: boolean; isFresh: boolean },
  ): Promise<CallToolResult> {
    const attempt = (isFresh: boolean): Promise<CallToolResult> =>
      this.#use(async (connection) => {
        if (isFresh) this.#isListStale = true;
        await this.#list(connection);
        const { definition } = this.#readyTool(name);
        const { signal } = options;
        if (signal.aborted) throw new McpCallError('refused', 'it was cancelled before');
        return connection.call(definition, args, {
          timeoutMs: this.#options.callTimeoutMs,
          signal,
        });
      }).then((result) => {
        this.#failures = 0;
        return result;
      });
    const first = attempt(options.isFresh);
    if (!options.isRepeatable) return first;
    return first.catch((error: unknown) => {
      const isLost =
        error instanceof McpCallError && (error.kind === 'lost' || error.sessionLostBy === 'call');
      if (!isLost || options.signal.aborted) throw error;
      this.#log.info({ tool: name, error: error.message }, 'a call of an MCP tool is repeated');
      this.#retryAt = 0;
      return attempt(false);
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#disconnect();
    await this.#connecting?.catch(() => undefined);
    this.#disconnect();
    await Promise.all(this.#closing);
  }

  #readyTool(name: string): ReadyTool {
    const tool = this.tools.find((one) => one.name === name);
    if (tool !== undefined && isReady(tool)) return tool;
    const kind = tool?.state === 'quarantined' ? 'quarantined' : 'refused';
    throw new McpCallError(kind, `${this.id}.${name} is ${tool?.state ?? 'not listed'}`);
  }

  /** After the end of the session a list is read once more, a call of a tool is not sent again. */
  async #use<Value>(work: (connection: McpConnection) => Promise<Value>): Promise<Value> {
    try {
      return await this.#useOnce(work);
    } catch (error) {
      if (!(error instanceof McpCallError) || error.sessionLostBy === null) throw error;
      this.#log.info({ error: error.message }, 'the session of an MCP server has ended');
      this.#disconnect();
      if (error.sessionLostBy === 'call') throw error;
      return this.#useOnce(work);
    }
  }

  async #useOnce<Value>(work: (connection: McpConnection) => Promise<Value>): Promise<Value> {
    const connection = await this.#connect();
    this.#running += 1;
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    try {
      return await work(connection);
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#armIdleStop();
    }
  }

  #armIdleStop(): void {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      if (this.#running === 0) this.#disconnect();
    }, idleMs);
    this.#idleTimer.unref();
  }

  #disconnect(): void {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    const connection = this.#connection;
    this.#connection = null;
    if (connection !== null) this.#track(connection.close());
  }

  #track(closing: Promise<void>): void {
    const one = closing.catch((error: unknown) => {
      this.#log.warn({ error: messageOf(error) }, 'an MCP server was not stopped in order');
    });
    this.#closing.add(one);
    void one.finally(() => this.#closing.delete(one));
  }

  async #connect(): Promise<McpConnection> {
    if (this.#connection?.isOpen === true) return this.#connection;
    if (this.#stopping.signal.aborted)
      throw new McpCallError('unreachable', 'the core is stopping');
    // A person has logged in: that was what the server waited for.
    if (this.#login !== undefined && this.#loginsVersion !== this.#options.logins.version()) {
      this.#retryAt = 0;
    }
    if (this.#connecting === null && this.#options.clock.now() < this.#retryAt) {
      throw new McpCallError(this.#problemKind, this.#problem ?? 'the server has ended');
    }
    this.#connecting ??= this.#start().finally(() => (this.#connecting = null));
    return this.#connecting;
  }

  async #start(): Promise<McpConnection> {
    const startedAt = this.#options.clock.now();
    this.#starts += 1;
    this.#isListStale = true;
    let connection: McpConnection | null = null;
    try {
      connection = await (this.#options.connect ?? connectToServer)({
        settings: this.settings,
        login: this.#login,
        timeoutMs: startTimeoutMs,
        signal: this.#stopping.signal,
        log: this.#log,
        onToolsChanged: () => {
          this.#isListStale = true;
          // The change shows in the list and the doctor before the next call.
          this.refresh().catch(() => undefined);
        },
        onClosed: () => {
          if (connection === null || this.#connection !== connection) return;
          this.#connection = null;
          this.#track(connection.close());
          if (this.#options.clock.now() - startedAt < stableMs)
            this.#failed('it has ended', 'unreachable');
        },
      });
      this.#connection = connection;
      await this.#list(connection);
      this.#problem = null;
      this.#armIdleStop();
      return connection;
    } catch (error) {
      this.#disconnect();
      const kind = error instanceof McpCallError ? error.kind : null;
      const isRefused = kind === 'login' || kind === 'logged_out';
      this.#failed(messageOf(error), isRefused ? kind : 'unreachable');
      if (kind === null || isRefused) throw error;
      // Also if its list did not come: no call was sent.
      throw new McpCallError('unreachable', messageOf(error), error);
    }
  }

  #failed(problem: string, kind: 'login' | 'logged_out' | 'unreachable'): void {
    this.#failures += 1;
    this.#problem = problem;
    this.#problemKind = kind;
    this.#loginsVersion = this.#options.logins.version();
    const isOpen = this.#failures >= failuresMax;
    const pauseMs = isOpen
      ? circuitOpenMs
      : exponentialBackoffMs(this.#failures - 1, firstBackoffMs, backoffMsMax);
    this.#retryAt = this.#options.clock.now() + pauseMs;
    const message = isOpen ? 'an MCP server is left alone for minutes' : 'an MCP server failed';
    this.#log.warn({ failures: this.#failures, error: problem }, message);
  }

  async #list(connection: McpConnection): Promise<void> {
    if (!this.#isListStale) return;
    this.#offered = await this.#definitions(connection);
    this.#catalog = null;
    for (const { name, state, changed } of this.tools) {
      if (state !== 'quarantined') continue;
      this.#log.warn({ tool: name, changed }, 'an MCP tool has changed and is quarantined');
    }
  }

  async #definitions(connection: McpConnection): Promise<ToolDefinition[]> {
    this.#isListStale = false;
    try {
      return await connection.listTools(startTimeoutMs);
    } catch (error) {
      this.#isListStale = true;
      throw error;
    }
  }
}
