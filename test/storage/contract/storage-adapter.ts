/** What the contract tests need of a database: its adapters of the storage ports, and a way to fill its disk. */
import { onTestFinished } from 'vitest';
import type { DocumentStorage } from '#library/document-port';
import { createDocumentStore } from '#library/store/document-store';
import type { EventStorage } from '#tools/calendar/calendar-port';
import { createCalendarStore } from '#tools/calendar/store/calendar-store';
import { openDatabase } from '#storage/database';

export interface StorageAdapter {
  documents: DocumentStorage;
  calendar: EventStorage;
  /** Writes fail from now on as on a full disk; returns the function that ends this. */
  fillDisk(): () => void;
}

/** Opens an empty database that is closed when the test ends. */
export type OpenStorage = () => Promise<StorageAdapter>;

export const openSqlite: OpenStorage = async () => {
  const database = await openDatabase({ path: ':memory:' });
  onTestFinished(() => database.close());
  const { connection } = database;
  return {
    documents: createDocumentStore(database),
    calendar: createCalendarStore(database),
    fillDisk() {
      const pages = connection.pragma('page_count', { simple: true }) as number;
      const before = connection.pragma('max_page_count', { simple: true }) as number;
      connection.pragma(`max_page_count = ${pages}`);
      return () => void connection.pragma(`max_page_count = ${before}`);
    },
  };
};

/** Every database, by the name that the tests show. Another database is one more row. */
export const databases: [name: string, open: OpenStorage][] = [['SQLite', openSqlite]];

/** More than the free pages of a new database hold. */
export const largeText = '가나다라 마바사 '.repeat(120_000);

/** A text of each kind that databases or drivers are known to damage; none has U+0000, which no door lets in. */
export const unusualTexts = [
  '',
  ' ',
  "'; drop table document; --",
  '\u0001\u001f\u007f\u2028\ufeff',
  'é e\u0301 한글 \u1112\u1161\u11ab 日本 👩‍👩‍👧 𝒳',
  '{"a":1,"a":2}',
  '\\x00 \\u0000 %00 $1 ? :name @name',
  'a\r\nb\nc\r',
];
