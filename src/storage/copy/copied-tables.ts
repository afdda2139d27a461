/**
 * Which tables a copy of a database has, and their rows in the form that both databases share: that of SQLite. A row of
 * `journal` or `document_event` has its place in the global order as `pos`, on PostgreSQL too.
 *
 * Not copied: the tokens of the full-text search, which each database keeps in its own form; all documents become part of the
 * backlog from which the core makes them. Leases, workers and ranges of the order exist on PostgreSQL only.
 */
import type { SqliteConnection } from '../database.ts';

export type Cell = number | string | Buffer | null;
export type CopiedRow = Cell[];

export interface TableShape {
  name: string;
  columns: { name: string; kind: 'integer' | 'text' | 'bytes' }[];
  /** Columns of the primary key: rows are read in this order, texts by their bytes. */
  key: string[];
}

/** Of the last row that was read, in the form of the database that it was read from. */
export type RowKey = (number | string)[];

export interface RowBatch {
  rows: CopiedRow[];
  last: RowKey;
}

/** Rows of one transaction at most, and bytes at about which it ends. */
export const batchRowsMax = 500;
export const batchBytesMax = 4 * 1024 * 1024;

/** The rows of these have a place in the order of events. */
export const placedTables: readonly string[] = ['journal', 'document_event'];

/** Columns in which PostgreSQL reads JSON: their escapes must stand for characters that it can store. */
export const jsonColumns: readonly string[] = ['document.source_metadata'];

/** Type on PostgreSQL of what SQLite keeps as the bytes of little-endian floats: `real[]`. */
export const numbersType = '_float4';

export const copyMark = 'gatehouse_copy';

const isCopied = (name: string): boolean =>
  !/^(?:sqlite_|kysely_|document_words)/.test(name) && name !== copyMark;

interface ColumnInfo {
  name: string;
  type: string;
  /** From 1; 0: not part of the primary key. */
  pk: number;
}

/** Documents first: triggers on them write to other tables, which are emptied before their own rows are copied. */
export function shapesOf(connection: SqliteConnection): TableShape[] {
  const names = connection
    .prepare<[], { name: string }>("select name from sqlite_schema where type = 'table'")
    .all()
    .map(({ name }) => name)
    .filter(isCopied);
  const first = (name: string): number => (name === 'document' ? 0 : 1);
  names.sort((a, b) => first(a) - first(b) || (a < b ? -1 : 1));
  return names.map((name) => {
    const columns = connection.pragma(`table_info(${name})`) as ColumnInfo[];
    const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
    return {
      name,
      columns: columns.map((column) => ({ name: column.name, kind: kindOf(column.type) })),
      key: key.map((column) => column.name),
    };
  });
}

const kindOf = (type: string): 'integer' | 'text' | 'bytes' => {
  if (/int/i.test(type)) return 'integer';
  return /blob/i.test(type) ? 'bytes' : 'text';
};

/** Bytes of a row, about. */
export const sizeOfRow = (row: CopiedRow): number =>
  row.reduce<number>(
    (sum, cell) => sum + (typeof cell === 'string' || Buffer.isBuffer(cell) ? cell.length : 8),
    0,
  );

/** `document 12`, `submission "key"`: names a row in messages. */
export const nameOfRow = ({ name, columns, key }: TableShape, row: CopiedRow): string => {
  const cells = key.map((one) => row[columns.findIndex((column) => column.name === one)]);
  return `${name} ${cells.map((cell) => JSON.stringify(cell)).join(' ')}`;
};
