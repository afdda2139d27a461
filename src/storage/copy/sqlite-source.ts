/** An SQLite file as the source of a copy: locked as its core locks it, read, not changed. */
import { existsSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { GatehouseError } from '#shared/errors';
import { migrations, type SqliteConnection } from '../database.ts';
import { acquireDatabaseFile } from '../database-file.ts';
import { classifyOpenError } from '../open-error.ts';
import { appliedMigrations, assertNoneNewer, assertNoneMissing } from '../schema-version.ts';
import {
  batchBytesMax,
  batchRowsMax,
  jsonColumns,
  nameOfRow,
  shapesOf,
  sizeOfRow,
  type Cell,
  type CopiedRow,
  type RowBatch,
  type RowKey,
  type TableShape,
} from './copied-tables.ts';
import type { CopySource, TextChanges } from './copy-side.ts';
import { copiedJson, copiedText } from './copy-text.ts';

/** @throws GH_STORE_OPEN, GH_STORE_LOCKED, GH_STORE_CORRUPT, GH_STORE_NEWER, GH_STORE_OLDER */
export function openSqliteSource(path: string): CopySource {
  if (!existsSync(path)) throw new GatehouseError('GH_STORE_OPEN', `${path}: there is none`);
  const file = acquireDatabaseFile(path, 'core');
  let connection: SqliteConnection | null = null;
  try {
    const open = (connection = new Sqlite(file.path));
    const had = appliedMigrations(open);
    if (had === null) {
      throw new GatehouseError('GH_STORE_OPEN', `${path}: is not a database of Gatehouse`);
    }
    assertNoneNewer(had, path, Object.keys(migrations));
    assertNoneMissing(had, path, Object.keys(migrations));
    return {
      ...readingSide(open, path),
      tables: shapesOf(open),
      counters: async () => ({
        journal: sequenceOf(open, 'journal'),
        tickets: sequenceOf(open, 'embedding_backlog'),
      }),
      places: () => placesOf(open),
      // The lock is held.
      assertQuiet: async () => undefined,
      async close() {
        open.close();
        file.release();
      },
    };
  } catch (error) {
    connection?.close();
    file.release();
    throw classifyOpenError(error, path);
  }
}

/** What both sides have. */
export function readingSide(
  connection: SqliteConnection,
  where: string,
): Pick<CopySource, 'where' | 'count' | 'read'> {
  return {
    where,
    count: async ({ name }) =>
      connection.prepare<[], { n: number }>(`select count(*) as n from ${name}`).get()!.n,
    async *read(table, after, onChanged) {
      yield* readTable(connection, table, after, onChanged);
    },
  };
}

type RawCell = number | Buffer | string | null;

function* readTable(
  connection: SqliteConnection,
  table: TableShape,
  after: RowKey | null,
  onChanged?: TextChanges,
): Generator<RowBatch> {
  const { name, columns, key } = table;
  // As bytes: a driver replaces what is not UTF-8 without a word.
  const selected = columns.map((column) =>
    column.kind === 'text' ? `cast("${column.name}" as blob)` : `"${column.name}"`,
  );
  const isText = (one: string): boolean =>
    columns.find((column) => column.name === one)?.kind === 'text';
  const places = key.map((one) => (isText(one) ? 'cast(? as text)' : '?'));
  const where = after === null ? '' : `where (${key.join()}) > (${places.join()})`;
  const statement = connection
    .prepare(`select ${selected.join()} from ${name} ${where} order by ${key.join()}`)
    .raw();
  const keyIndexes = key.map((one) => columns.findIndex((column) => column.name === one));
  const bound = (after ?? []).map((cell) =>
    typeof cell === 'string' ? Buffer.from(cell, 'latin1') : cell,
  );
  let [rows, bytes]: [CopiedRow[], number] = [[], 0];
  let last: RowKey = [];
  for (const raw of statement.iterate(...bound) as Iterable<RawCell[]>) {
    const row = convertRow(table, raw, onChanged);
    rows.push(row);
    bytes += sizeOfRow(row);
    last = keyIndexes.map((index) => keyCell(raw[index]!));
    if (rows.length < batchRowsMax && bytes < batchBytesMax) continue;
    yield { rows, last };
    [rows, bytes] = [[], 0];
  }
  if (rows.length > 0) yield { rows, last };
}

const keyCell = (cell: RawCell): number | string =>
  Buffer.isBuffer(cell) ? cell.toString('latin1') : (cell as number);

function convertRow(table: TableShape, raw: RawCell[], onChanged?: TextChanges): CopiedRow {
  const changes: [column: string, count: number][] = [];
  const row = raw.map((cell, index): Cell => {
    const { name, kind } = table.columns[index]!;
    if (kind === 'text' && Buffer.isBuffer(cell)) {
      const isJson = jsonColumns.includes(`${table.name}.${name}`);
      const { text, changed } = isJson ? copiedJson(cell) : copiedText(cell);
      if (changed > 0) changes.push([name, changed]);
      return text;
    }
    return cell;
  });
  for (const [column, count] of changes) onChanged?.(column, row, count);
  assertIntegers(table, row);
  return row;
}

/** A column of SQLite takes any value, whatever its type. */
function assertIntegers(table: TableShape, row: CopiedRow): void {
  for (const [index, { name, kind }] of table.columns.entries()) {
    const cell = row[index];
    if (kind !== 'integer' || cell === null || Number.isSafeInteger(cell)) continue;
    throw new GatehouseError(
      'GH_STORE_COPY',
      `${nameOfRow(table, row)}: ${name} is not a whole number, and cannot be copied; correct or remove this row`,
    );
  }
}

const sequenceOf = (connection: SqliteConnection, table: string): number =>
  connection
    .prepare<[string], { seq: number }>('select seq from sqlite_sequence where name = ?')
    .get(table)?.seq ?? 0;

const placesOf = (connection: SqliteConnection): Iterable<{ pos: number; user: string }> =>
  connection
    .prepare<[], { pos: number; user: string }>(
      // The rows of a job that is lost belong to no user.
      `select journal.pos, coalesce(job.user_id, '') as user
        from journal left join job on job.num = journal.job
        union all select pos, user_id from document_event order by 1`,
    )
    .iterate();
