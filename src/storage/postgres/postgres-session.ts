/** What every new connection is asked and told before it is used. */
import type pg from 'pg';
import { GatehouseError } from '#shared/errors';

const versionMin = 15;

/** The wait for a lock on the server; a commit waits only for a writer that it has fenced. */
const lockTimeoutMs = 5_000;
/** One statement on the server. */
const statementTimeoutMs = 20_000;

export interface SessionInfo {
  /** When the server was started. */
  started: string;
  /** Each commit waits for a standby. */
  hasStandby: boolean;
}

interface SessionRow extends SessionInfo {
  is_replica: boolean;
  encoding: string;
}

/**
 * The commit relies on these settings, whatever the server's configuration has. Compiling a search takes longer than
 * running it. Every statement has an index; without statistics, or with texts that are stored out of line, the planner
 * takes the scan of a whole table for cheaper: 70 ms in place of 1 ms for a search in 5,000 documents.
 */
const sessionQuery = `select pg_is_in_recovery() as is_replica,
  current_setting('server_encoding') as encoding,
  pg_postmaster_start_time()::text as started,
  current_setting('synchronous_standby_names') <> '' as "hasStandby",
  set_config('lock_timeout', '${lockTimeoutMs}', false),
  set_config('statement_timeout', '${statementTimeoutMs}', false),
  set_config('idle_session_timeout', '0', false),
  set_config('jit', 'off', false),
  set_config('enable_seqscan', 'off', false),
  set_config('default_transaction_isolation', 'read committed', false),
  set_config('synchronous_commit',
    case current_setting('synchronous_commit') when 'off' then 'on'
      else current_setting('synchronous_commit') end, false)`;

/**
 * Before it, a server is asked nothing, and nothing is set.
 * @returns the number of the process of the server that answers
 * @throws GH_STORE_OPEN for a version that is too old
 */
export async function identifyServer(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ num: string; version: string; pid: number }>(
    `select current_setting('server_version_num') as num,
      current_setting('server_version') as version, pg_backend_pid() as pid`,
  );
  const { num, version, pid } = rows[0]!;
  if (Number(num) >= versionMin * 10_000) return pid;
  throw new GatehouseError(
    'GH_STORE_OPEN',
    `is PostgreSQL ${version}, which is too old; version ${versionMin} or later is needed`,
  );
}

/**
 * After `identifyServer`: an older server lacks some of these settings, and behind a pooler they would reach other programs.
 * @throws GH_STORE_READ_ONLY for a replica, GH_STORE_OPEN for a database that cannot be used
 */
export async function prepareSession(client: pg.ClientBase): Promise<SessionInfo> {
  const { rows } = await client.query<SessionRow>(sessionQuery);
  const { is_replica: isReplica, encoding, ...info } = rows[0]!;
  if (isReplica) {
    throw new GatehouseError(
      'GH_STORE_READ_ONLY',
      'is a read-only replica; name the primary, or all hosts separated by commas',
    );
  }
  if (encoding !== 'UTF8') {
    throw new GatehouseError(
      'GH_STORE_OPEN',
      `has the encoding ${encoding}; create a database with: createdb --encoding=UTF8 --template=template0 NAME`,
    );
  }
  // Ends a statement whose client is gone. Not all systems have it.
  await client.query("set client_connection_check_interval = '2s'").catch(() => undefined);
  return info;
}

/** Of the wait for a standby. */
const standbyTimeoutMs = 2_500;

/**
 * A server that was restarted shows commits that its synchronous standby does not have yet, and that a failover would
 * lose. Waits until the standby has all that this server shows. A commit that the server cancels on a timeout within a
 * statement ends with a warning: no process of the server stays behind, as it would after a lost connection.
 * @throws GH_STORE_UNREACHABLE when no standby answers
 */
export async function waitForStandby(client: pg.ClientBase): Promise<void> {
  const warnings: string[] = [];
  const note = ({ message }: { message?: string | undefined }): void =>
    void warnings.push(message ?? '');
  client.on('notice', note);
  try {
    await client.query(`set statement_timeout = ${standbyTimeoutMs}`);
    await client.query(
      `do $$ begin perform pg_logical_emit_message(true, 'gatehouse', ''); commit; end $$`,
    );
    await client.query(`set statement_timeout = ${statementTimeoutMs}`);
  } finally {
    client.off('notice', note);
  }
  if (warnings.length === 0) return;
  throw new GatehouseError(
    'GH_STORE_UNREACHABLE',
    'the synchronous standby does not answer, so no commit ends; start it, or clear synchronous_standby_names on the server',
  );
}

/** Connections that are tried together with the first: other programs may take the session that is looked for. */
const comparedConnections = 3;

/**
 * A pooler of transactions gives the session of an idle connection to another one, and the settings of `prepareSession`
 * are lost: the server may then lose commits that were answered. `openAnother` connects to the same host.
 * @throws GH_STORE_OPEN
 */
export async function assertOwnSession(
  client: pg.ClientBase,
  pid: number,
  openAnother: () => Promise<pg.Client>,
): Promise<void> {
  const others: pg.Client[] = [];
  try {
    for (let count = 0; count < comparedConnections; count += 1) {
      const other = await openAnother();
      others.push(other);
      await other.query('begin transaction read only');
      if ((await pidOf(other)) === pid || (await pidOf(client)) !== pid) throw sharedSession();
    }
  } finally {
    for (const other of others) {
      await other.query('rollback').catch(() => undefined);
      await other.end().catch(() => undefined);
    }
  }
}

const pidOf = async (client: pg.ClientBase): Promise<number> =>
  (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid;

const sharedSession = (): GatehouseError =>
  new GatehouseError(
    'GH_STORE_OPEN',
    'a pooler shares sessions between transactions, and settings of a connection are lost; connect to PostgreSQL itself, or set the pooler to sessions (PgBouncer: pool_mode = session)',
  );
