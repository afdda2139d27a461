/**
 * Opens a PostgreSQL database: connects to the primary, checks the server, runs migrations. What cannot be used is
 * refused with one line, a code and what to do.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect, type PostgresPool } from 'kysely';
import type pg from 'pg';
import { exponentialBackoffMs } from '#shared/backoff';
import { GatehouseError, messageOf } from '#shared/errors';
import type { TlsTrust } from '#shared/tls-options';
import { assertCurrentSchema, assertNoOpenCopy, migratePostgres } from './migrate.ts';
import {
  addressSubject,
  describeHost,
  parsePostgresAddress,
  type PostgresAddress,
} from './postgres-address.ts';
import { classifyPostgresError, isConnectionLost, isReplicaError } from './postgres-errors.ts';
import { createPrimaryPool, type PrimaryPool } from './postgres-pool.ts';
import type { PostgresSchema } from './schema.ts';
import { storableText } from './storable-text.ts';

/** A statement that each connection prepares once. */
export interface PreparedStatement<Row> {
  name: string;
  text: string;
  /** Only for the compiler. */
  row?: Row;
}

export interface PostgresDatabase {
  /** For everything that is not on the hot path. A lost connection is an error of the query. */
  readonly query: Kysely<PostgresSchema>;
  /** A connection outside of queries: it must be released. */
  readonly pool: PrimaryPool;
  /** `host:port/database` of the host in use. */
  readonly where: string;
  /**
   * Runs a statement that may run twice: a lost connection is replaced, for 2 s at most. Without an answer within
   * `answerTimeoutMs` (default: that of the database) the connection counts as lost.
   * @throws the error of the driver
   */
  run<Row>(
    statement: PreparedStatement<Row>,
    values: readonly unknown[],
    answerTimeoutMs?: number,
  ): Promise<Row[]>;
  close(): Promise<void>;
}

export interface PostgresOptions {
  /** `postgres://user@host/database`, or several hosts. */
  url: string;
  /** One of these; else it is that of the address, else that of `PGPASSWORD`. */
  password?: string | undefined;
  /** File with the password alone. */
  passwordFile?: string | undefined;
  /** PEM file. With one of these two the connection uses TLS, also without `sslmode`. */
  caFile?: string | undefined;
  fingerprint256?: string | undefined;
  /** Shown in `pg_stat_activity`. Default `gatehouse`. */
  applicationName?: string;
  /** Connections at most. Default 8. */
  poolSize?: number;
  /** Of one attempt on one host. Default 3,000. */
  connectTimeoutMs?: number;
  /** Of one query. Default 25,000: longer than the server's own limit. */
  answerTimeoutMs?: number;
  /**
   * `check`: a schema of another version is refused instead of upgraded. `leave`: the schema is not read, only the server
   * is checked. Default `migrate`.
   */
  schema?: 'migrate' | 'check' | 'leave';
  /** Opened for a copy of a database: one that is not complete is opened too. */
  isCopying?: boolean;
}

/** A promotion of a replica takes about a second. */
const repeatForMs = 2_000;

/**
 * @throws GH_CONFIG_INVALID, GH_STORE_UNREACHABLE, GH_STORE_LOGIN, GH_STORE_READ_ONLY, GH_STORE_NEWER, GH_STORE_OLDER,
 *   GH_STORE_OPEN, GH_STORE_COPY
 */
export async function openPostgres(options: PostgresOptions): Promise<PostgresDatabase> {
  const address = parsePostgresAddress(options.url);
  const tls = trustOf(options, address);
  if (tls !== null) address.tls = 'verified';
  assertTls(address);
  const pool = createPrimaryPool({
    address,
    readPassword: () => passwordOf(options, address.password),
    tls: tls ?? {},
    clientCertificate: certificateOf(address),
    applicationName: options.applicationName ?? address.applicationName ?? 'gatehouse',
    connectTimeoutMs: options.connectTimeoutMs ?? address.connectTimeoutMs ?? 3_000,
    answerTimeoutMs: options.answerTimeoutMs ?? 25_000,
    poolSize: options.poolSize ?? 8,
    isDiagnosis: options.schema === 'leave',
  });
  const where = (): string => describeHost(pool.host, address.database);
  const query = new Kysely<PostgresSchema>({
    dialect: new PostgresDialect({ pool: kyselyPool(pool) }),
  });
  try {
    if (options.schema === 'leave') pool.release(await pool.connect());
    else if (options.schema === 'check') await assertCurrentSchema(query, where());
    else await migratePostgres(query, where());
    if (options.isCopying !== true && options.schema !== 'leave')
      await assertNoOpenCopy(query, where());
  } catch (error) {
    const failure = classifyPostgresError(error, where());
    await query.destroy().catch(() => undefined);
    throw failure;
  }
  return {
    query,
    pool,
    get where() {
      return where();
    },
    run: (statement, values, answerTimeoutMs) =>
      runPrepared(pool, statement, values, answerTimeoutMs),
    close: () => query.destroy(),
  };
}

/** Null: no certificate is named. */
function trustOf(options: PostgresOptions, address: PostgresAddress): TlsTrust | null {
  const caFile = options.caFile ?? address.caFile;
  const { fingerprint256 } = options;
  if (caFile === null && fingerprint256 === undefined) return null;
  return { ca: caFile === null ? undefined : readText(caFile), fingerprint256 };
}

/** What works only over TLS must not be ignored. @throws GH_CONFIG_INVALID */
function assertTls({ tls, clientCertificate, isDirectTls }: PostgresAddress): void {
  if (tls === 'verified' || (clientCertificate === null && !isDirectTls)) return;
  throw new GatehouseError(
    'GH_CONFIG_INVALID',
    `${addressSubject}has sslcert or sslnegotiation without TLS; add sslmode=verify-full`,
  );
}

function certificateOf({
  clientCertificate: files,
}: PostgresAddress): { cert: string; key: string } | null {
  return files && { cert: readText(files.certFile), key: readText(files.keyFile) };
}

function passwordOf(
  { password, passwordFile }: PostgresOptions,
  inAddress: string | null,
): string | undefined {
  if (passwordFile !== undefined) return readText(passwordFile).replace(/\r?\n$/, '');
  return password ?? inAddress ?? process.env['PGPASSWORD'];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = `${path}: cannot be read (${messageOf(error)})`;
    throw new GatehouseError('GH_STORE_OPEN', why, { cause: error });
  }
}

/** Kysely releases a connection without the error of its query: it is remembered here. */
const kyselyPool = (pool: PrimaryPool): PostgresPool => ({
  options: {},
  async connect() {
    const client = await pool.connect();
    let failure: unknown;
    const query = async (text: string, values: unknown[]) => {
      try {
        return await client.query(text, storable(values));
      } catch (error) {
        failure = error;
        throw error;
      }
    };
    // Kysely calls the form with a text only: this project opens no cursors.
    return { query: query as never, release: () => pool.release(client, failure) };
  },
  end: () => pool.end(),
});

/** Texts, also those of arrays, as the server can store them. */
const storable = (values: readonly unknown[]): unknown[] =>
  values.map((value) => {
    if (typeof value === 'string') return storableText(value);
    return Array.isArray(value) && typeof value[0] === 'string' ? storable(value) : value;
  });

async function runPrepared<Row>(
  pool: PrimaryPool,
  { name, text }: PreparedStatement<Row>,
  values: readonly unknown[],
  answerTimeoutMs?: number,
): Promise<Row[]> {
  const limit = answerTimeoutMs === undefined ? {} : { query_timeout: answerTimeoutMs };
  const deadline = performance.now() + repeatForMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await runOnce<Row>(pool, { name, text, values: storable(values), ...limit });
    } catch (error) {
      const isTemporary = isConnectionLost(error) || isReplicaError(error);
      if (!isTemporary || performance.now() > deadline) throw error;
    }
    await sleep(exponentialBackoffMs(attempt, 20, 250));
  }
}

async function runOnce<Row>(pool: PrimaryPool, config: pg.QueryConfig): Promise<Row[]> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query(config);
    pool.release(client);
    return rows as Row[];
  } catch (error) {
    pool.release(client, error);
    throw error;
  }
}
