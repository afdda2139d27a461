/**
 * Inspects a database without owning it, while its owner may be running. Creates nothing, changes nothing, migrates
 * nothing.
 */
import { existsSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { GatehouseError, messageOf } from '#shared/errors';
import { migrations } from './database.ts';
import { lockOwner } from './owner-lock.ts';
import { appliedMigrations, assertSchemaNotNewer } from './schema-version.ts';

export type DatabaseDiagnosis =
  | { state: 'absent' }
  /** `owner`: the process that owns it, as text; null when none does. */
  | {
      state: 'sound';
      owner: string | null;
      /** Name of its last migration; null when it is not a Gatehouse database yet. */
      schema: string | null;
      /** Migrations that the next start will run. */
      pending: number;
      bytes: number;
      openJobs: number;
    }
  | { state: 'faulty'; code: 'GH_STORE_NEWER' | 'GH_STORE_CORRUPT' | 'GH_STORE_OPEN'; why: string };

/** Reads every page once: seconds for a large database. Never throws. */
export function diagnoseDatabase(path: string): DatabaseDiagnosis {
  if (!existsSync(path)) return { state: 'absent' };
  let connection: Sqlite.Database | null = null;
  try {
    connection = new Sqlite(path, { readonly: true, fileMustExist: true });
    const known = Object.keys(migrations);
    assertSchemaNotNewer(connection, path, known);
    const check = connection.pragma('quick_check(1)', { simple: true });
    if (check !== 'ok') return { state: 'faulty', code: 'GH_STORE_CORRUPT', why: String(check) };
    const had = appliedMigrations(connection);
    return {
      state: 'sound',
      owner: readLockOwner(path),
      schema: had?.at(-1) ?? null,
      pending: known.length - (had?.length ?? 0),
      bytes: sizeOf(connection),
      openJobs: had === null || had.length === 0 ? 0 : openJobsOf(connection),
    };
  } catch (error) {
    return { state: 'faulty', code: codeOf(error), why: messageOf(error) };
  } finally {
    connection?.close();
  }
}

function codeOf(error: unknown): Extract<DatabaseDiagnosis, { state: 'faulty' }>['code'] {
  if (error instanceof GatehouseError && error.code === 'GH_STORE_NEWER') return error.code;
  const { code = '' } = error as { code?: string };
  return ['SQLITE_CORRUPT', 'SQLITE_NOTADB'].includes(code) ? 'GH_STORE_CORRUPT' : 'GH_STORE_OPEN';
}

/** Takes the lock for a moment: only the operating system knows whether the holder is alive. */
function readLockOwner(path: string): string | null {
  const file = `${path}.lock`;
  if (!existsSync(file)) return null;
  try {
    lockOwner(file, path).release();
    return null;
  } catch (error) {
    return messageOf(error).replace(/^.* is in use by /, '');
  }
}

const sizeOf = (connection: Sqlite.Database): number =>
  (connection.pragma('page_count', { simple: true }) as number) *
  (connection.pragma('page_size', { simple: true }) as number);

const openJobsOf = (connection: Sqlite.Database): number =>
  connection
    .prepare<[], { n: number }>('select count(*) as n from job where ended_at is null')
    .get()!.n;
