/** The two sides of a copy, which SQLite and PostgreSQL implement both. */
import type { CopiedRow, RowBatch, RowKey, TableShape } from './copied-tables.ts';

/** Numbers that are never given again, although their rows may be gone. */
export interface Counters {
  /** The last position of the order of events. */
  journal: number;
  /** The last ticket of `embedding_backlog`. */
  tickets: number;
}

export interface TableProgress {
  last: RowKey | null;
  isDone: boolean;
}

/** Texts that were stored with characters that PostgreSQL cannot store. */
export type TextChanges = (column: string, row: CopiedRow, count: number) => void;

interface CopySide {
  /** For messages, without password. */
  readonly where: string;
  count(table: TableShape): Promise<number>;
  /** In order of the key, after `after`. Calls `onChanged` for texts that differ from what is stored. */
  read(table: TableShape, after: RowKey | null, onChanged?: TextChanges): AsyncIterable<RowBatch>;
  close(): Promise<void>;
}

export interface CopySource extends CopySide {
  readonly tables: TableShape[];
  counters(): Promise<Counters>;
  /** Rows with a place, in their order, with the users that they belong to. Only of SQLite. */
  places?(): Iterable<{ pos: number; user: string }>;
  /** @throws GH_STORE_LOCKED when a core has written to it since it was opened */
  assertQuiet(): Promise<void>;
}

export interface CopyTarget extends CopySide {
  /** Of an interrupted copy; empty for a new one. */
  progress(): Promise<Map<string, TableProgress>>;
  /** Empties the table: triggers of other tables may have filled it. */
  begin(table: TableShape, source: CopySource): Promise<void>;
  /** One transaction, with the progress. */
  write(table: TableShape, batch: RowBatch): Promise<void>;
  end(table: TableShape): Promise<void>;
  /** Makes it a database that a core opens. */
  finish(counters: Counters): Promise<void>;
}
