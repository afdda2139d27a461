/**
 * Connections to the primary among several hosts. A host that cannot be reached, or is a read-only replica, is left for
 * the next one. A server that becomes a replica keeps its connections: those that it refuses a write on are closed.
 */
import pg from 'pg';
import { tlsConnectionOptions, type TlsTrust } from '#shared/tls-options';
import type { PostgresAddress, PostgresHost } from './postgres-address.ts';
import { isConnectionLost, isReplicaError } from './postgres-errors.ts';
import {
  assertOwnSession,
  identifyServer,
  prepareSession,
  waitForStandby,
} from './postgres-session.ts';

export interface ConnectionSettings {
  address: PostgresAddress;
  /** Read at each new connection, so that a password can be changed while the process runs. */
  readPassword: () => string | undefined;
  tls: TlsTrust;
  /** PEM texts. */
  clientCertificate: { cert: string; key: string } | null;
  applicationName: string;
  /** Of one attempt on one host, login included. */
  connectTimeoutMs: number;
  /** Of one query. A network that drops packets gives no answer. */
  answerTimeoutMs: number;
  poolSize: number;
  /** Only for questions about the server: connects also when its synchronous standby is missing. */
  isDiagnosis?: boolean;
}

export interface PrimaryPool {
  /** The host of the next new connection. */
  readonly host: PostgresHost;
  /** @throws the error of the driver, or a GatehouseError for a server that cannot be used */
  connect(): Promise<pg.PoolClient>;
  /** Returns a connection; with an error after which it cannot be used, it is closed. */
  release(client: pg.PoolClient, error?: unknown): void;
  end(): Promise<void>;
}

const int8 = 20;

/** Positions, numbers and times in ms are below 2^53. */
const types = new pg.TypeOverrides();
types.setTypeParser(int8, Number);

export function createPrimaryPool(settings: ConnectionSettings): PrimaryPool {
  const { hosts } = settings.address;
  let index = 0;
  const current = (): PostgresHost => hosts[index]!;
  const leave = (host: PostgresHost): void => {
    if (current() === host) index = (index + 1) % hosts.length;
  };
  const Client = clientClass(settings, current);
  const check = createSessionCheck(Client, settings.isDiagnosis === true);
  const pool = new pg.Pool({
    Client,
    max: settings.poolSize,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    // Its type is wrong: the pool waits for the promise.
    onConnect: (client) => check(client) as never,
  });
  // A connection that is lost is not an error of the process: the query on it fails, or the next one gets another.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    get host() {
      return current();
    },
    async connect() {
      const failures: unknown[] = [];
      for (const _ of hosts) {
        const host = current();
        try {
          return await pool.connect();
        } catch (error) {
          failures.push(error);
          leave(host);
        }
      }
      throw mostTelling(failures);
    },
    release(client, error) {
      if (isReplicaError(error)) leave(current());
      if (isUsableAfter(error)) return client.release();
      // The driver would wait for the other side, which may be silent.
      (client as { connection?: { stream: { destroy(): void } } }).connection?.stream.destroy();
      client.release(true);
    },
    end: () => pool.end(),
  };
}

/** Every new connection; what is the same for all connections to one server is asked once. */
function createSessionCheck(
  Client: new () => pg.Client,
  isDiagnosis: boolean,
): (client: pg.ClientBase) => Promise<void> {
  const direct = new Set<string>();
  const caughtUp = new Set<string>();
  return async (client) => {
    const pid = await identifyServer(client);
    const { host, port, processID } = client as pg.Client & { processID: number | null };
    const server = `${host}:${port}`;
    // A pooler names no process of the server.
    if (pid !== processID && !direct.has(server)) {
      await assertOwnSession(client, pid, async () => {
        const other = new Client();
        other.on('error', () => undefined);
        await other.connect();
        return other;
      });
      direct.add(server);
    }
    const info = await prepareSession(client);
    const start = `${server} ${info.started}`;
    if (!info.hasStandby || isDiagnosis || caughtUp.has(start)) return;
    await waitForStandby(client);
    caughtUp.add(start);
  };
}

/** A new client belongs to the host that is current when it is made. */
function clientClass(
  {
    address,
    readPassword,
    tls,
    clientCertificate,
    applicationName,
    ...timeouts
  }: ConnectionSettings,
  current: () => PostgresHost,
): new () => pg.Client {
  const ssl =
    address.tls === 'off' ? false : { ...tlsConnectionOptions(tls), ...clientCertificate };
  return class extends pg.Client {
    constructor() {
      super({
        ...current(),
        user: address.user,
        database: address.database,
        // A function that returns undefined stands for no password.
        password: readPassword as () => string,
        ssl,
        ...(address.isDirectTls && { sslnegotiation: 'direct' as const }),
        enableChannelBinding: address.bindsChannel,
        ...(address.options !== null && { options: address.options }),
        application_name: applicationName,
        connectionTimeoutMillis: timeouts.connectTimeoutMs,
        query_timeout: timeouts.answerTimeoutMs,
        keepAlive: true,
        types,
      });
    }
  };
}

/** An error that the server sent for one statement leaves the connection as it was. */
const isUsableAfter = (error: unknown): boolean =>
  error === undefined || !(isConnectionLost(error) || isReplicaError(error));

/** The refusal of one host says more than a second host that is switched off. */
const mostTelling = (failures: readonly unknown[]): unknown =>
  failures.find((error) => error instanceof pg.DatabaseError) ??
  failures.find((error) => !isUnreachable(error)) ??
  failures[0];

const isUnreachable = (error: unknown): boolean =>
  /^E(?!RR_)[A-Z_]+$/.test((error as { code?: string }).code ?? '');
