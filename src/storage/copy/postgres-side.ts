/** What a PostgreSQL database does on both sides of a copy: it is reserved for the copy, and read. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createIdSource } from '#shared/ids';
import { GatehouseError, messageOf } from '#shared/errors';
import {
  openPostgres,
  type PostgresDatabase,
  type PostgresOptions,
  type PreparedStatement,
} from '../postgres/postgres-database.ts';
import { classifyPostgresError } from '../postgres/postgres-errors.ts';
import {
  batchBytesMax,
  batchRowsMax,
  numbersType,
  placedTables,
  sizeOfRow,
  type CopiedRow,
  type RowBatch,
  type RowKey,
  type TableShape,
} from './copied-tables.ts';
import type { CopySource } from './copy-side.ts';

export type Connection = Awaited<ReturnType<PostgresDatabase['pool']['connect']>>;

export interface CopyDatabase {
  database: PostgresDatabase;
  /** @throws GH_STORE_LOCKED when another process of Gatehouse is connected */
  assertAlone(): Promise<void>;
}

const leaveWithinMs = 3_000;

const selectOthers: PreparedStatement<{ pid: number; address: string | null }> = {
  name: '',
  text: `select pid, host(client_addr) as address from pg_stat_activity
    where datname = current_database() and application_name like 'gatehouse%'
      and application_name <> $1 limit 1`,
};

/** @throws GH_STORE_LOCKED, and the errors of `openPostgres` */
export async function openForCopy(
  options: PostgresOptions,
  use: Pick<PostgresOptions, 'schema'>,
): Promise<CopyDatabase> {
  const applicationName = `gatehouse migrate ${createIdSource()()}`;
  const database = await openPostgres({ ...options, ...use, applicationName, isCopying: true });
  const assertAlone = async (): Promise<void> => {
    // The server notices only after a moment that a process was killed.
    for (const deadline = performance.now() + leaveWithinMs; ; await sleep(100)) {
      const [other] = await database.run(selectOthers, [applicationName]);
      if (other === undefined) return;
      if (performance.now() < deadline) continue;
      throw new GatehouseError(
        'GH_STORE_LOCKED',
        `${database.where} is in use by another process of Gatehouse (from ${other.address ?? 'this machine'}, connection ${other.pid}); stop it first`,
      );
    }
  };
  try {
    await assertAlone();
  } catch (error) {
    const { where } = database;
    await database.close();
    throw classifyPostgresError(error, where);
  }
  return { database, assertAlone };
}

/** Runs work on one connection, in one transaction. */
export async function inTransaction<Value>(
  database: PostgresDatabase,
  begin: string,
  work: (client: Connection) => Promise<Value>,
): Promise<Value> {
  const client = await database.pool.connect();
  try {
    await client.query(begin);
    const value = await work(client);
    await client.query('commit');
    database.pool.release(client);
    return value;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    database.pool.release(client, error);
    throw error;
  }
}

/** Names and types of the columns, in any order. */
export async function columnTypes(
  database: PostgresDatabase,
  table: string,
): Promise<Map<string, string>> {
  const rows = await database.run<{ name: string; type: string }>(
    {
      name: '',
      text: `select column_name as name, udt_name as type from information_schema.columns
        where table_schema = current_schema() and table_name = $1`,
    },
    [table],
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}

export const readingSide = (
  database: PostgresDatabase,
): Pick<CopySource, 'where' | 'count' | 'read'> => ({
  where: database.where,
  async count({ name }) {
    const text = `select count(*) as n from ${name}`;
    const [row] = await database.run<{ n: number }>({ name: '', text }, []);
    return row!.n;
  },
  read: (table, after) => readTable(database, table, after),
});

/** One snapshot, sorted once: a cursor. */
async function* readTable(
  database: PostgresDatabase,
  table: TableShape,
  after: RowKey | null,
): AsyncGenerator<RowBatch> {
  const client = await database.pool.connect();
  let failure: unknown;
  try {
    await client.query('begin isolation level repeatable read read only');
    // A large table is sorted by the first fetch.
    await client.query('set local statement_timeout = 0');
    const types = await columnTypes(database, table.name);
    await client.query({
      text: `declare copied no scroll cursor for ${selectOf(table, types, after !== null)}`,
      values: after ?? [],
    });
    const vectors = table.columns.flatMap(({ name }, index) =>
      types.get(name) === numbersType ? [index] : [],
    );
    const keyIndexes = table.key.map((one) => table.columns.findIndex(({ name }) => name === one));
    for (let count = batchRowsMax / 10; ;) {
      const { rows } = (await client.query({
        text: `fetch ${count} from copied`,
        rowMode: 'array',
      })) as { rows: CopiedRow[] };
      const last = rows.at(-1);
      if (last === undefined) break;
      for (const row of rows as unknown[][]) {
        for (const index of vectors) row[index] = bytesOf(row[index] as number[] | null);
      }
      yield { rows, last: keyIndexes.map((index) => last[index] as number | string) };
      // Texts may be long: the next batch has as many rows as fit.
      const bytes = rows.reduce((sum, row) => sum + sizeOfRow(row), 1);
      count = Math.max(
        1,
        Math.min(batchRowsMax, Math.floor((rows.length * batchBytesMax) / bytes)),
      );
    }
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    await client.query('rollback').catch((error: unknown) => (failure ??= error));
    database.pool.release(client, failure);
  }
}

function bytesOf(numbers: readonly number[] | null): Buffer | null {
  if (numbers === null) return null;
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [index, number] of numbers.entries()) bytes.writeFloatLE(number, index * 4);
  return bytes;
}

function selectOf(table: TableShape, types: Map<string, string>, isAfter: boolean): string {
  const { name, columns, key } = table;
  const isPlaced = placedTables.includes(name);
  const value = (column: string): string => {
    if (isPlaced && column === 'pos') return 'line.pos + range.seq_from - range.pos_from';
    return types.get(column) === 'bool' ? `line.${column}::int` : `line.${column}`;
  };
  const selected = columns.map((column) => value(column.name)).join(', ');
  if (isPlaced) {
    return `select ${selected} from event_range as range join ${name} as line
        on line.part = range.part
          and line.pos between range.pos_from and range.pos_from + range.count - 1
      ${isAfter ? `where range.seq_from + range.count > $1 + 1 and ${value('pos')} > $1::bigint` : ''}
      order by range.seq_from, line.pos`;
  }
  const sorted = key
    .map((one) => (types.get(one) === 'text' ? `line.${one} collate "C"` : `line.${one}`))
    .join(', ');
  const bound = key.map((one, index) => `$${index + 1}::${types.get(one)}`).join(', ');
  return `select ${selected} from ${name} as line
    ${isAfter ? `where (${sorted}) > (${bound})` : ''} order by ${sorted}`;
}

/** @throws GH_STORE_TARGET, GH_STORE_UNREACHABLE and others, with what to do */
export function asCopyError(error: unknown, where: string): GatehouseError {
  if (error instanceof GatehouseError) return error;
  const { code = '' } = error as { code?: string };
  if (/^53[12]/.test(code)) {
    const why = `${where}: the server has no room (${messageOf(error)}); make room and run it again, it goes on where it stopped`;
    return new GatehouseError('GH_STORE_TARGET', why, { cause: error });
  }
  if (code !== '' && /^(?:08|57P)/.test(code)) {
    const why = `${where}: the connection was lost (${messageOf(error)}); run it again, it goes on where it stopped`;
    return new GatehouseError('GH_STORE_UNREACHABLE', why, { cause: error });
  }
  return classifyPostgresError(error, where);
}
