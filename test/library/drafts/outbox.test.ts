/** The outbox as the relay reads it: events of two tables (jobs and documents) in one order. */
import { describe, expect, onTestFinished, test } from 'vitest';
import fc from 'fast-check';
import { Kysely, sql, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import Sqlite from 'better-sqlite3';
import { join } from 'node:path';
import { openDatabase } from '#storage/database';
import { createEventAppender } from '#library/store/document-event-store';
import { createDraftStore } from '#library/store/draft-store';
import { createEventLogStore } from '#events/store/event-log-store';
import { initial } from '#storage/migrations/0001-initial';
import { tools } from '#storage/migrations/0002-tools';
import { scratchFolder } from '#test/support/journal';

async function open() {
  const database = await openDatabase({ path: ':memory:' });
  onTestFinished(() => database.close());
  const { connection } = database;
  const append = createEventAppender(database);
  connection.exec(`insert into job (num, id, user_id, channel, conversation, message, input,
    machine_version, state, n, seq, created_at, updated_at)
    values (1, 'job', 'u', 'http', 'c', 'm', '{}', 1, 'ack', 0, 0, 0, 0)`);
  const row = connection.prepare(`insert into journal (job, n, at, event, value, seq, emitted)
    values (1, ?, ?, '{"type":"x"}', '"ack"', ?, '[{"type":"state","state":"ack","data":{}}]')`);
  let n = 0;
  const seqs = new Map<string, number>();
  return {
    connection,
    outbox: createEventLogStore(database),
    ofJob(): string {
      n += 1;
      row.run(n, n, n);
      return `job:${n}`;
    },
    ofDocument: connection.transaction((id: string): string => {
      const at = (seqs.get(id) ?? 0) + 1;
      seqs.set(id, at);
      return append({
        documentId: id,
        userId: 'u',
        type: 'queued',
        state: 'waiting',
        at: n,
        data: {},
      }).id;
    }),
  };
}

describe('the outbox', () => {
  test('gives the events of jobs and documents in commit order, whatever the page size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('job', 'a', 'b'), { maxLength: 40 }),
        fc.integer({ min: 1, max: 7 }),
        async (sources, limit) => {
          const { outbox, ofJob, ofDocument } = await open();
          const made = sources.map((one) => (one === 'job' ? ofJob() : ofDocument(one)));
          const read: string[] = [];
          for (let pos = 0; ;) {
            const { rows, upTo } = outbox.after(pos, limit);
            expect(rows.length).toBeLessThanOrEqual(limit);
            for (const { pos: at, events } of rows) {
              read.push(...events.map(({ id }) => id));
              const colon = events[0]!.id.lastIndexOf(':');
              const seq = Number(events[0]!.id.slice(colon + 1));
              expect(outbox.positionOf(events[0]!.id.slice(0, colon), seq)?.pos).toBe(at);
            }
            if (upTo === pos) break;
            pos = upTo;
          }
          expect(read).toEqual(made);
          expect(outbox.backlog(0).rows).toBe(made.length);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('never reuses a position, also after the newest rows were removed', async () => {
    const { outbox, ofJob, ofDocument, connection } = await open();
    ofJob();
    ofDocument('a');
    ofJob();
    const before = outbox.backlog(0).upTo;
    connection.exec('delete from journal; delete from document_event');
    ofDocument('b');
    ofJob();
    expect(outbox.after(before, 10).rows.map(({ pos }) => pos)).toEqual([before + 1, before + 2]);
  });

  test('gives no document events when it is filtered by channel', async () => {
    const { outbox, ofDocument } = await open();
    ofDocument('a');
    expect(outbox.after(0, 10, ['http'])).toEqual({ rows: [], upTo: 1 });
  });
});

test('a database of schema version 0002 is upgraded, and its documents marked for drafting are due', async () => {
  const folder = scratchFolder();
  onTestFinished(() => folder.remove());
  const path = join(folder.path, 'gatehouse.db');
  const old = new Kysely<unknown>({ dialect: new SqliteDialect({ database: new Sqlite(path) }) });
  const migrations = { '0001-initial': initial, '0002-tools': tools };
  const provider = { getMigrations: () => Promise.resolve(migrations) };
  const { error } = await new Migrator({ db: old, provider }).migrateToLatest();
  expect(error).toBeUndefined();
  await sql`insert into document (id, owner, created_at, updated_at, content_origin, title,
    source_metadata, extracted_text) values ('d1', 'local', 1, 1, 'memo', 't',
    '{"source":"memo","needs_draft":true}', 'text')`.execute(old);
  await old.destroy();

  const database = await openDatabase({ path });
  onTestFinished(() => database.close());
  const drafts = createDraftStore(database);
  expect(await drafts.nextDue(1)).toBe('d1');
  expect(await drafts.list(null, 'waiting', 10)).toMatchObject([
    { documentId: 'd1', state: 'waiting', attempts: 0 },
  ]);
});
