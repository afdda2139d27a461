/**
 * A NATS connection that reconnects forever. Its users live in a session: one connection, from its handshake to its
 * end. No state of a session survives it.
 *
 * C1: a session is served after the handshake and has ended before the next one begins.
 * C2: the client's own reconnect is off: it silently drops messages published while disconnected.
 */
import { connect, type NatsConnection } from 'nats';
import type { Log } from '#shared/log';
import { toNatsProblem } from './nats-problem.ts';
import { connectionOptions, type NatsServerAddress } from './server-address.ts';
import { exponentialBackoffMs } from '#shared/backoff';
import { abortableSleep } from '#shared/abortable-sleep';
import { settledWithin } from './async-timers.ts';
import type { NatsProblem } from '../messaging-port.ts';

export interface ConnectionParts {
  /** Client name shown by the server. */
  name: string;
  /** Inbox for responses to our requests. Not shared, so that no other user needs the right to read there. */
  inboxPrefix: string;
  /** Called before every attempt: address and password file of the server may change. Null: there is no server. */
  locate(signal: AbortSignal): Promise<NatsServerAddress | null>;
  /** Uses the connection until the signal aborts. Never rejects. */
  serve(nc: NatsConnection, signal: AbortSignal): Promise<void>;
  timings: { retryMs: number; retryMsMax: number };
  log: Log;
}

/** A server that does not complete the handshake in this time is down; slow machines need seconds under load. */
const connectTimeoutMs = 5_000;
/** A dead peer is noticed after two of these; shorter wakes idle laptops, longer delays the reconnect. */
const pingMs = 10_000;
/** Time to flush the socket's buffer before the connection is closed. */
const drainMs = 2_000;

/** Inbox prefix of the core or of a channel's bridge, which its permissions name (docs/events.md, section 8). */
export const inboxPrefixOf = (who: string): string => `_INBOX_${who}`;

export const createConnection = (parts: ConnectionParts): Connection => new Connection(parts);

export class Connection {
  readonly #parts: ConnectionParts;
  readonly #stopping = new AbortController();
  #state: 'connected' | 'connecting' | 'off' = 'off';
  #server: { address: NatsServerAddress; version: string } | null = null;
  #problem: NatsProblem | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#state = 'connecting';
    this.#running = this.#run();
  }

  /** Ends the session (waits for its `serve`) and closes the connection. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    this.#state = 'off';
  }

  get state(): 'connected' | 'connecting' | 'off' {
    return this.#state;
  }

  get server(): { address: NatsServerAddress; version: string } | null {
    return this.#server;
  }

  /** Why there is no connection; null while connected. */
  get problem(): NatsProblem | null {
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
        const nc = await raceAbort(this.#dial(address), signal);
        if (nc === null) return;
        attempt = 0;
        await this.#serveUntilClosed(nc, address);
      } catch (error) {
        if (signal.aborted) return;
        this.#problem = toNatsProblem(error);
        log[attempt === 0 ? 'warn' : 'debug'](this.#problem, 'no connection to NATS');
      }
      await abortableSleep(
        exponentialBackoffMs(attempt, timings.retryMs, timings.retryMsMax),
        signal,
      );
      attempt += 1;
    }
  }

  async #dial(address: NatsServerAddress): Promise<NatsConnection> {
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

  async #serveUntilClosed(nc: NatsConnection, address: NatsServerAddress): Promise<void> {
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
      if (!nc.isClosed()) await settledWithin(drainMs, nc.drain());
      await nc.close();
      this.#server = null;
    }
    const error = await lost;
    if (signal.aborted) return;
    this.#state = 'connecting';
    this.#problem = toNatsProblem(error ?? undefined);
    log.warn({ url: address.url, ...this.#problem }, 'the connection to NATS is lost');
  }
}

/** Null if aborted first: a connection that is established later is closed again. */
async function raceAbort(
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
