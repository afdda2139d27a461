/**
 * An SQLite file as the target of a copy. It grows under another name, `FILE.partial`, and gets its own only when it is
 * complete: a core never opens half a copy.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { GatehouseError, messageOf } from '#shared/errors';
import { fsyncPath } from '../backup.ts';
import { openDatabase, type SqliteConnection } from '../database.ts';
import { copyMark, type RowKey, type TableShape } from './copied-tables.ts';
import { readingSide } from './sqlite-source.ts';
import type { CopyTarget, Counters } from './copy-side.ts';

/** @throws GH_STORE_TARGET when the file exists, or an interrupted copy of another source; GH_STORE_LOCKED */
export async function openSqliteTarget(path: string, from: string): Promise<CopyTarget> {
  if (existsSync(path)) {
    throw new GatehouseError('GH_STORE_TARGET', `${path}: is there already, and is left as it is`);
  }
  const partial = `${path}.partial`;
  const database = await openDatabase({ path: partial });
  const { connection } = database;
  try {
    markCopy(connection, from, partial);
  } catch (error) {
    await database.close();
    throw asTargetError(error, partial);
  }
  return {
    ...readingSide(connection, path),
    progress: async () =>
      new Map(
        connection
          .prepare<[], { name: string; last: string | null; done: number }>(
            `select name, last, done from ${copyMark} where name <> ''`,
          )
          .all()
          .map(({ name, last, done }) => [
            name,
            { last: last === null ? null : (JSON.parse(last) as RowKey), isDone: done === 1 },
          ]),
      ),
    async begin({ name }) {
      guard(partial, () => connection.exec(`delete from ${name}`));
    },
    async write(table, { rows, last }) {
      guard(partial, () =>
        connection.transaction(() => {
          const insert = connection.prepare(insertOf(table));
          for (const row of rows) insert.run(...row);
          saveProgress(connection, table, JSON.stringify(last), 0);
        })(),
      );
    },
    async end(table) {
      guard(partial, () => saveProgress(connection, table, null, 1));
    },
    async finish(counters) {
      guard(partial, () => complete(connection, counters));
      await database.close();
      guard(partial, () => {
        fsyncPath(partial);
        renameSync(partial, path);
        for (const end of ['.lock', '-wal', '-shm']) rmSync(partial + end, { force: true });
        fsyncPath(dirname(path));
      });
    },
    close: () => database.close(),
  };
}

function markCopy(connection: SqliteConnection, from: string, partial: string): void {
  connection.exec(
    `create table if not exists ${copyMark} (name text primary key, last text, done integer not null)`,
  );
  const mark = connection
    .prepare<[], { last: string }>(`select last from ${copyMark} where name = ''`)
    .get();
  if (mark === undefined) {
    connection.prepare(`insert into ${copyMark} values ('', ?, 0)`).run(from);
  } else if (mark.last !== from) {
    throw new GatehouseError(
      'GH_STORE_TARGET',
      `${partial}: is an interrupted copy of ${mark.last}; remove it, or go on with that one`,
    );
  }
}

const insertOf = ({ name, columns }: TableShape): string =>
  `insert into ${name} (${columns.map((column) => `"${column.name}"`).join()})
    values (${columns.map(() => '?').join()})`;

/** The last key stays when the table is done. */
function saveProgress(
  connection: SqliteConnection,
  { name }: TableShape,
  last: string | null,
  done: number,
): void {
  connection
    .prepare(
      `insert into ${copyMark} values (?, ?, ?)
        on conflict (name) do update set last = coalesce(excluded.last, last), done = excluded.done`,
    )
    .run(name, last, done);
}

function complete(connection: SqliteConnection, { journal, tickets }: Counters): void {
  connection.transaction(() => {
    for (const [table, seq] of Object.entries({ journal, embedding_backlog: tickets })) {
      connection.prepare('delete from sqlite_sequence where name = ?').run(table);
      connection.prepare('insert into sqlite_sequence (name, seq) values (?, ?)').run(table, seq);
    }
    connection.exec(`delete from document_words_backlog;
      insert into document_words_backlog select num from document where deleted_at is null;
      drop table ${copyMark}`);
  })();
  connection.pragma('wal_checkpoint(TRUNCATE)');
}

function guard<Value>(path: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    throw asTargetError(error, path);
  }
}

const asTargetError = (error: unknown, path: string): GatehouseError =>
  error instanceof GatehouseError
    ? error
    : new GatehouseError(
        'GH_STORE_TARGET',
        `${path}: ${messageOf(error)}; make it writable with room for all rows and run the same command again, it goes on where it stopped`,
        { cause: error },
      );
