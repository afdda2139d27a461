/** Maps errors of PostgreSQL, of its driver and of the network to one line with a code. Never quotes a password. */
import pg from 'pg';
import { GatehouseError, messageOf, type ErrorCode } from '#shared/errors';

/** SQLSTATE that `commit_batch` and `append_ranges` raise when a lease is not as the caller says. */
export const fencedState = 'GH001';

/** The SQLSTATE of an error that the server sent, else an empty text. */
export const sqlStateOf = (error: unknown): string =>
  error instanceof pg.DatabaseError ? (error.code ?? '') : '';

/** Name of the constraint or unique index that refused a row; null for another error. */
export const constraintOf = (error: unknown): string | null =>
  error instanceof pg.DatabaseError ? (error.constraint ?? null) : null;

/** The server is a replica now, or its configuration makes every transaction read-only. */
export const isReplicaError = (error: unknown): boolean =>
  error instanceof GatehouseError
    ? error.code === 'GH_STORE_READ_ONLY'
    : sqlStateOf(error) === '25006';

/**
 * The connection is lost, or the server ends: whether a statement took effect is unknown. Every other error of the
 * server is its answer: the statement changed nothing.
 */
export function isConnectionLost(error: unknown): boolean {
  if (error instanceof GatehouseError) return false;
  if (!(error instanceof pg.DatabaseError)) return true;
  // Connection exceptions, shutdown, crash, start, end of the session.
  return /^(?:08|57P)/.test(sqlStateOf(error));
}

interface Refusal {
  code: ErrorCode;
  /** `what` is the server's own sentence. */
  line: (what: string) => string;
}

const refusals: Record<string, Refusal> = {
  '28P01': { code: 'GH_STORE_LOGIN', line: (what) => `${what}; check user and password` },
  '28000': {
    code: 'GH_STORE_LOGIN',
    line: (what) =>
      /no encryption/.test(what)
        ? `${what}; the server may require TLS: add ?sslmode=verify-full`
        : `${what}; check the user, and pg_hba.conf of the server`,
  },
  '3D000': {
    code: 'GH_STORE_OPEN',
    line: (what) => `${what}; create it with: createdb --encoding=UTF8 NAME`,
  },
  '3F000': { code: 'GH_STORE_READ_ONLY', line: (what) => `${what}; check search_path of the user` },
  '42501': {
    code: 'GH_STORE_READ_ONLY',
    line: (what) =>
      `${what}; make the user the owner of the database, or: grant create, usage on schema public to USER`,
  },
  '25006': {
    code: 'GH_STORE_READ_ONLY',
    line: (what) => `${what}; name the primary, and check default_transaction_read_only`,
  },
  '53300': {
    code: 'GH_STORE_UNREACHABLE',
    line: (what) => `${what}; increase max_connections of the server, or end other connections`,
  },
  '57P03': { code: 'GH_STORE_UNREACHABLE', line: (what) => `${what}; it is tried again` },
  '42P07': {
    code: 'GH_STORE_OPEN',
    line: (what) => `${what}: has tables of another program; give Gatehouse a database of its own`,
  },
  '08P01': {
    code: 'GH_STORE_OPEN',
    line: (what) => `${what}; connect to PostgreSQL itself, not to a pooler of transactions`,
  },
  XX001: { code: 'GH_STORE_CORRUPT', line: (what) => what },
  XX002: { code: 'GH_STORE_CORRUPT', line: (what) => what },
};

const tlsCodes =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/;
const networkCodes = /^(?:E[A-Z]+|EAI_AGAIN)$/;

/** @param where `host:port/database` */
export function classifyPostgresError(error: unknown, where: string): GatehouseError {
  if (error instanceof GatehouseError) {
    if (error.message.startsWith(where)) return error;
    return new GatehouseError(error.code, `${where}: ${error.message}`, { cause: error });
  }
  const fail = (code: ErrorCode, why: string): GatehouseError =>
    new GatehouseError(code, `${where}: ${oneLine(why)}`, { cause: error });
  const what = textOf(error);
  const refusal = refusals[sqlStateOf(error)];
  if (refusal !== undefined) return fail(refusal.code, refusal.line(what));
  if (error instanceof pg.DatabaseError) return fail('GH_STORE_OPEN', `cannot be opened (${what})`);
  if (/client password must be|SASL: .*password/.test(what)) {
    return fail(
      'GH_STORE_LOGIN',
      'the server asks for a password, and none is given; set database.passwordFile, database.password or PGPASSWORD',
    );
  }
  if (/does not support SSL/.test(what)) {
    return fail('GH_STORE_OPEN', 'the server has no TLS; enable it there, or use ?sslmode=disable');
  }
  const { code = '' } = error as { code?: string };
  if (tlsCodes.test(code)) {
    return fail(
      'GH_STORE_OPEN',
      `the certificate of the server is not trusted (${what}); check caFile`,
    );
  }
  return fail(
    'GH_STORE_UNREACHABLE',
    `the server cannot be reached (${networkCodes.test(code) && what === '' ? code : what})`,
  );
}

/** An address with several IP addresses fails with an error that has only parts. */
function textOf(error: unknown): string {
  const parts = (error as { errors?: unknown[] }).errors;
  const text = messageOf(error);
  return text === '' && Array.isArray(parts) ? parts.map(messageOf).join(', ') : text;
}

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ');

/**
 * Runs a read or a write of a store; errors of the server may be temporary, and must not be taken for a fault of the
 * job.
 * @throws GH_STORE_CORRUPT for a damaged page, else GH_STORE_UNAVAILABLE with `what` as its message
 */
export async function guardPostgres<Value>(
  what: string,
  work: () => Promise<Value>,
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw storeError(error, what);
  }
}

export function storeError(error: unknown, what: string): GatehouseError {
  if (error instanceof GatehouseError && error.code !== 'GH_STORE_READ_ONLY') return error;
  const isDamage = ['XX001', 'XX002'].includes(sqlStateOf(error));
  return isDamage
    ? new GatehouseError('GH_STORE_CORRUPT', undefined, { cause: error })
    : new GatehouseError('GH_STORE_UNAVAILABLE', what, { cause: error });
}
