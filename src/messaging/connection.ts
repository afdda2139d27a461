/**
 * The connection to a NATS server, made again for ever. Whatever uses it lives in a session: one
 * connection, from its handshake to its end. Nothing of a session survives it.
 *
 * C1: a session is served after the handshake and has ended before the next one begins.
 * C2: the client's own reconnect is off: it throws away what is published while it is away, without a word.
 */
import { connect, type NatsConnection } from 'nats';
import type { Log } from '../lib/log.ts';
import { busProblemOf } from './bus-problem.ts';
import { connectionOptions, type Server } from './credentials.ts';
import { backoffMs, pause, within } from './pause.ts';
import type { BusProblem } from './ports.ts';

export interface Connection {
  start(): void;
  /** Ends the session (its `serve` is waited for) and the connection. */
  stop(): Promise<void>;
  readonly state: 'connected' | 'connecting' | 'off';
  readonly server: { address: Server; version: string } | null;
  /** Why there is no connection; null while there is one. */
  readonly problem: BusProblem | null;
}

export interface ConnectionParts {
  /** Shown by the server for this connection. */
  name: string;
  /** Where answers to our requests come. One of our own, so that others need no right to read there. */
  inboxPrefix: string;
  /** Asked before every attempt: the server may have moved, its password file may have changed. Null: there is none. */
  locate(signal: AbortSignal): Promise<Server | null>;
  /** Uses the connection until the signal aborts. Never rejects. */
  serve(nc: NatsConnection, signal: AbortSignal): Promise<void>;
  timings: { retryMs: number; retryMsMax: number };
  log: Log;
}

/** A server that does not answer a handshake in this time is not there; slow machines need seconds under load. */
const connectTimeoutMs = 5_000;
/** A dead peer is noticed after two of these; shorter wakes idle laptops, longer delays the next attempt. */
const pingMs = 10_000;
/** Time for what is still in the socket's buffer when the connection is let go. */
const drainMs = 2_000;

/** The inbox of the core, or of the bridge of a channel: what its user is allowed to read (docs/events.md, section 8). */
export const inboxPrefixOf = (who: string): string => `_INBOX_${who}`;

export const createConnection = (parts: ConnectionParts): Connection =>
  new LastingConnection(parts);

class LastingConnection implements Connection {
  readonly #parts: ConnectionParts;
  readonly #stopping = new AbortController();
  #state: Connection['state'] = 'off';
  #server: Connection['server'] = null;
  #problem: BusProblem | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#state = 'connecting';
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#state = 'off';
  }

  get state(): Connection['state'] {
    return this.#state;
  }

  get server(): Connection['server'] {
    return this.#server;
  }

  get problem(): BusProblem | null {
    return this.#problem;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { log, timings } = this.#parts;
    let attempt = 0;
    while (!signal.aborted) {
      try {
        const address = await this.#parts.locate(signal);
        if (address === null) {
          this.#state = 'off';
          this.#problem = null;
          return;
        }
        const nc = await unlessAborted(this.#dial(address), signal);
        if (nc === null) return;
        attempt = 0;
        await this.#session(nc, address);
      } catch (error) {
        if (signal.aborted) return;
        this.#problem = busProblemOf(error);
        log[attempt === 0 ? 'warn' : 'debug'](this.#problem, 'no connection to NATS');
      }
      await pause(backoffMs(attempt, timings), signal);
      attempt += 1;
    }
  }

  async #dial(address: Server): Promise<NatsConnection> {
    return connect({
      ...(await connectionOptions(address)),
      name: this.#parts.name,
      inboxPrefix: this.#parts.inboxPrefix,
      reconnect: false,
      timeout: connectTimeoutMs,
      pingInterval: pingMs,
      maxPingOut: 2,
      // A stack trace per request costs more than the request.
      noAsyncTraces: true,
    });
  }

  async #session(nc: NatsConnection, address: Server): Promise<void> {
    const { log } = this.#parts;
    const { signal } = this.#stopping;
    const over = new AbortController();
    const end = (): void => over.abort();
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    const lost = nc.closed().then((error) => {
      end();
      return error;
    });
    this.#server = { address, version: nc.info?.version ?? '' };
    this.#problem = null;
    this.#state = 'connected';
    log.info({ url: address.url, version: this.#server.version }, 'connected to NATS');
    try {
      await this.#parts.serve(nc, over.signal);
    } finally {
      signal.removeEventListener('abort', end);
      if (!nc.isClosed()) await within(drainMs, nc.drain());
      await nc.close();
      this.#server = null;
    }
    const error = await lost;
    if (signal.aborted) return;
    this.#state = 'connecting';
    this.#problem = busProblemOf(error ?? undefined);
    log.warn({ url: address.url, ...this.#problem }, 'the connection to NATS is lost');
  }
}

/** A connection that comes too late is closed again, and nobody waits for it. */
async function unlessAborted(
  dialing: Promise<NatsConnection>,
  signal: AbortSignal,
): Promise<NatsConnection | null> {
  const aborted = Promise.withResolvers<null>();
  const end = (): void => aborted.resolve(null);
  signal.addEventListener('abort', end);
  try {
    const first = await Promise.race([dialing, aborted.promise]);
    if (first === null) void dialing.then((late) => late.close()).catch(() => undefined);
    return first;
  } finally {
    signal.removeEventListener('abort', end);
  }
}
