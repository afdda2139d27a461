/** What every new connection is asked and told before it is used. */
import type pg from 'pg';
import { GatehouseError } from '#shared/errors';

const versionMin = 15;

/** The wait for a lock on the server; a commit waits only for a writer that it has fenced. */
const lockTimeoutMs = 5_000;
/** One statement on the server. */
const statementTimeoutMs = 20_000;

interface SessionInfo {
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
  set_config('lock_timeout', '${lockTimeoutMs}', false),
  set_config('statement_timeout', '${statementTimeoutMs}', false),
  set_config('idle_session_timeout', '0', false),
  set_config('jit', 'off', false),
  set_config('enable_seqscan', 'off', false),
  set_config('default_transaction_isolation', 'read committed', false),
  set_config('synchronous_commit',
    case current_setting('synchronous_commit') when 'off' then 'on'
      else current_setting('synchronous_commit') end, false)`;

/** @throws GH_STORE_READ_ONLY for a replica, GH_STORE_OPEN for a server or database that cannot be used */
export async function prepareSession(client: pg.ClientBase): Promise<void> {
  // First: an older server lacks settings of `sessionQuery`.
  await assertVersion(client);
  const { rows } = await client.query<SessionInfo>(sessionQuery);
  const { is_replica: isReplica, encoding } = rows[0]!;
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
}

/** Before it, a server is asked nothing. @throws GH_STORE_OPEN */
async function assertVersion(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ num: string; version: string }>(
    `select current_setting('server_version_num') as num,
      current_setting('server_version') as version`,
  );
  const { num, version } = rows[0]!;
  if (Number(num) >= versionMin * 10_000) return;
  throw new GatehouseError(
    'GH_STORE_OPEN',
    `is PostgreSQL ${version}, which is too old; version ${versionMin} or later is needed`,
  );
}
