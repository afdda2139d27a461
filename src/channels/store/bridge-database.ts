/**
 * The bridge's own SQLite file: opens it, locks it for one process and migrates it. It is separate from the core's
 * database: a bridge may run on another machine.
 */
import Sqlite from 'better-sqlite3';
import { GatehouseError } from '#shared/errors';
import type { SqliteConnection } from '#storage/database';
import { acquireDatabaseFile, type DatabaseFile } from '#storage/database-file';
import { applicationIds } from '#storage/verify-database-kind';
import { classifyOpenError } from '#storage/open-error';

/**
 * Append only: a migration that has run on a user's disk is never edited. `user_version` is the number of migrations
 * that have run. Times are epoch milliseconds.
 */
const migrations = [
  `create table inbox (
     id integer primary key autoincrement,
     key text not null unique,
     kind text not null,
     target text not null,
     lane text not null,
     chat_user text not null,
     user_id text not null,
     text text not null,
     click text,
     file text,
     attachment text,
     state text not null,
     job_id text,
     after_seq integer not null default 0,
     received_at integer not null,
     settled_at integer
   );
   create index inbox_open on inbox (lane, id) where settled_at is null;
   create index inbox_job on inbox (job_id) where job_id is not null;
   create index inbox_settled on inbox (settled_at) where settled_at is not null;
   create table outbox (
     id integer primary key autoincrement,
     reply_id text not null unique,
     job_id text,
     user_id text not null,
     target text not null,
     lane text not null,
     chat_user text not null,
     n integer not null,
     kind text not null,
     text text not null,
     buttons text,
     state text not null,
     context text not null,
     due_at integer not null,
     created_at integer not null,
     ended_at integer,
     place integer,
     reported_at integer
   );
   create index outbox_open on outbox (lane, id) where ended_at is null;
   create index outbox_job on outbox (job_id, n) where job_id is not null;
   create index outbox_unreported on outbox (id) where ended_at is not null and reported_at is null;
   create index outbox_ended on outbox (ended_at, state) where ended_at is not null;
   create table post_limit (
     nas text primary key,
     chars integer not null,
     at integer not null
   ) without rowid;`,
];

export interface BridgeDatabase {
  readonly connection: SqliteConnection;
  /** Call before anything is acknowledged. @throws GH_STORE_UNAVAILABLE when the file was deleted or replaced */
  ensureInPlace(): void;
  close(): void;
}

/** @throws GH_STORE_LOCKED, GH_STORE_READ_ONLY, GH_STORE_NEWER, GH_STORE_CORRUPT, GH_STORE_OPEN */
export function openBridgeDatabase(path: string): BridgeDatabase {
  let file: DatabaseFile | null = null;
  let connection: SqliteConnection | null = null;
  try {
    file = acquireDatabaseFile(path, 'bridge');
    connection = new Sqlite(file.path);
    connection.pragma('journal_mode = WAL');
    // A power cut must lose neither an acknowledged message of the chat nor the record of a post that was sent.
    connection.pragma('synchronous = FULL');
    migrate(connection, path);
    connection.pragma(`application_id = ${applicationIds.bridge}`);
    const [open, owner] = [connection, file];
    return {
      connection: open,
      ensureInPlace: () => owner.ensureInPlace(),
      close() {
        if (open.open) open.close();
        owner.release();
      },
    };
  } catch (error) {
    connection?.close();
    file?.release();
    throw classifyOpenError(error, path);
  }
}

function migrate(connection: SqliteConnection, path: string): void {
  const version = connection.pragma('user_version', { simple: true }) as number;
  if (version > migrations.length) {
    throw new GatehouseError(
      'GH_STORE_NEWER',
      `${path}: made by a newer version of Gatehouse; run that version`,
    );
  }
  connection
    .transaction(() => {
      for (const migration of migrations.slice(version)) connection.exec(migration);
      connection.pragma(`user_version = ${migrations.length}`);
    })
    .immediate();
}
