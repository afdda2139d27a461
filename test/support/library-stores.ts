/** The storages of documents, calendar entries, schedules, facts, sessions and vectors on each database, behind one shape. */
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { DocumentStorage } from '#library/document-port';
import type { OpenedVectors } from '#library/semantic/embedding-port';
import { createDocumentStore } from '#library/store/document-store';
import { createPostgresDocumentStore } from '#library/store/postgres/postgres-document-store';
import { openPostgresVectors } from '#library/store/postgres/postgres-vector-store';
import { openVectorStore } from '#library/store/vector-store';
import { openDatabase } from '#storage/database';
import type { MemoryStorage } from '#memory/memory-port';
import { createMemoryStore } from '#memory/store/memory-store';
import { createPostgresMemoryStore } from '#memory/store/postgres/postgres-memory-store';
import type { ScheduleStorage } from '#schedules/schedule-port';
import { createPostgresScheduleStore } from '#schedules/store/postgres/postgres-schedule-store';
import { createScheduleStore } from '#schedules/store/schedule-store';
import type { SessionStorage } from '#sessions/session-port';
import { createPostgresSessionStore } from '#sessions/store/postgres/postgres-session-store';
import { createSessionStore } from '#sessions/store/session-store';
import type { EventStorage } from '#tools/calendar/calendar-port';
import { createCalendarStore } from '#tools/calendar/store/calendar-store';
import { createPostgresCalendarStore } from '#tools/calendar/store/postgres-calendar-store';
import {
  postgresMissing,
  startPostgres,
  vectorsMissing,
  type PostgresServer,
} from './postgres-server.ts';
import { openPostgresWorker, type PostgresWorker } from './postgres-worker.ts';

export interface LibraryStores {
  documents: DocumentStorage;
  calendar: EventStorage;
  schedules: ScheduleStorage;
  memory: MemoryStorage;
  sessions: SessionStorage;
  openVectors(): Promise<OpenedVectors>;
  /** Writes fail from now on as on a full disk; the returned function ends this. */
  fillDisk(): Promise<() => Promise<void>>;
  /** Runs a statement without the stores. Resolves with its rows. */
  run(sql: string): Promise<Record<string, unknown>[]>;
  /** Also done when the test ends. */
  close(): Promise<void>;
}

export interface LibraryStoreKind {
  name: string;
  /** Why its tests are skipped. */
  missing: string | null;
  /** The same of those of vectors. */
  vectorsMissing: string | null;
  /** On an empty database. */
  open(): Promise<LibraryStores>;
}

const tables = `document, document_words, document_words_backlog, document_chunk, document_event, document_version,
  draft, draft_section, draft_setting, embedding_backlog, embedding_space, calendar_event,
  schedule, schedule_occurrence, memory_fact, memory_term, session, invite`;

/** Every database. To be called at the top of a test file. */
export function useLibraryStores(): LibraryStoreKind[] {
  const missing = postgresMissing();
  let server: PostgresServer | null = null;
  let worker: PostgresWorker | null = null;
  beforeAll(async () => {
    if (missing !== null) return;
    server = await startPostgres({ hasVectors: true });
    const name = await server.createDatabase();
    if (vectorsMissing() === null) await server.run('create extension vector', name);
    worker = await openPostgresWorker({ url: server.urlOf(name) });
    await worker.takePartitions();
  });
  afterAll(async () => {
    await worker?.close();
    await server?.remove();
  });
  return [
    { name: 'SQLite', missing: null, vectorsMissing: null, open: openSqliteStores },
    {
      name: 'PostgreSQL',
      missing,
      vectorsMissing: vectorsMissing(),
      open: () => openPostgresStores(worker!),
    },
  ];
}

export async function openSqliteStores(path = ':memory:'): Promise<LibraryStores> {
  const database = await openDatabase({ path });
  onTestFinished(() => database.close());
  const { connection } = database;
  return {
    documents: createDocumentStore(database),
    calendar: createCalendarStore(database),
    schedules: createScheduleStore(database),
    memory: createMemoryStore(database),
    sessions: createSessionStore(database),
    openVectors: () => openVectorStore(database),
    async fillDisk() {
      const pages = connection.pragma('page_count', { simple: true }) as number;
      const before = connection.pragma('max_page_count', { simple: true }) as number;
      connection.pragma(`max_page_count = ${pages}`);
      return async () => void connection.pragma(`max_page_count = ${before}`);
    },
    async run(text) {
      const statement = connection.prepare<[], Record<string, unknown>>(text);
      if (statement.reader) return statement.all();
      statement.run();
      return [];
    },
    close: () => database.close(),
  };
}

/** What the server raises on a full disk; a real one is tested with the partition writer. */
const refuseWrites = `create function refuse_write() returns trigger language plpgsql as $$
  begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`;

const largeColumns = [
  ['document', 'extracted_text'],
  ['calendar_event', 'ics'],
  ['schedule', 'text'],
  ['memory_fact', 'text'],
  ['session', 'device'],
];

async function openPostgresStores({ database, writer }: PostgresWorker): Promise<LibraryStores> {
  const run = (text: string) => database.run<Record<string, unknown>>({ name: '', text }, []);
  await run(`truncate ${tables} restart identity`);
  return {
    documents: createPostgresDocumentStore(database, writer),
    calendar: createPostgresCalendarStore(database),
    schedules: createPostgresScheduleStore(database, writer),
    memory: createPostgresMemoryStore(database, writer),
    sessions: createPostgresSessionStore(database),
    openVectors: () => openPostgresVectors(database),
    async fillDisk() {
      await run(refuseWrites);
      for (const [table, column] of largeColumns) {
        await run(`create trigger refuse_write before insert on ${table}
          for each row when (length(new.${column}) > 10000) execute function refuse_write()`);
      }
      return async () => void (await run('drop function refuse_write cascade'));
    },
    run,
    close: async () => undefined,
  };
}
