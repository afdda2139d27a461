/** The removal of old rows (retention): it reads no young rows, and a bounded number of rows per transaction. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type Database } from '#storage/database';
import { createDocumentEventStore, createEventAppender } from '#library/store/document-event-store';
import type { DocumentEvents } from '#library/drafts/draft-storage-port';
import { purgeDocuments } from '#library/store/document-purge';
import { createJobQueries, type JobQueries } from '#jobs/store/job-queries';

let database: Database;
/** The statements that were prepared since the database was opened. */
let statements: string[];
let events: DocumentEvents;
let queries: JobQueries;
beforeEach(async () => {
  database = await openDatabase({ path: ':memory:' });
  statements = [];
  const { connection } = database;
  const prepare = connection.prepare.bind(connection);
  connection.prepare = (source: string) => {
    statements.push(source);
    return prepare(source);
  };
  events = createDocumentEventStore(database);
  queries = createJobQueries(database);
});
afterEach(() => database.close());

const count = (table: string): number =>
  (database.connection.prepare(`select count(*) as n from ${table}`).get() as { n: number }).n;

/** Adds one job per time at which it ended; null: the job is open. */
function addJobs(times: readonly (number | null)[]): void {
  const { connection } = database;
  const insert = connection.prepare(`
    insert into job (id, user_id, channel, conversation, message, input, machine_version, state, n, seq,
                     created_at, updated_at, ended_at)
    values (?, 'u', 'http', 'c', 'm', '{}', 1, 'done', 1, 1, 1, 1, ?)`);
  connection.transaction(() => times.forEach((at, n) => insert.run(`job-${n}`, at)))();
}

/** Adds documents with one event per time each. */
function addEvents(documents: number, times: readonly number[]): void {
  const append = createEventAppender(database);
  database.connection.transaction(() => {
    for (let n = 0; n < documents; n += 1) {
      const event = { documentId: `d${n}`, userId: 'u', type: 'queued', state: 'waiting' } as const;
      for (const at of times) append({ ...event, at, data: {} });
    }
  })();
}

describe('the removal of old rows', () => {
  test('finds them by an index in every statement, and reads no young rows', async () => {
    statements.length = 0;
    events = createDocumentEventStore(database);
    await queries.prune(1);
    await events.prune(1);
    await purgeDocuments(database, 1);
    const plans = statements
      .filter((source) => /^\s*(?:select|delete)/.test(source))
      .map((source) => {
        const places = [...source.matchAll(/\?/g)].map(() => 1);
        const plan = database.connection.prepare(`explain query plan ${source}`).all(...places);
        return (plan as { detail: string }[]).map(({ detail }) => detail).join('; ');
      });
    expect(plans.length).toBeGreaterThan(8);
    expect(plans.filter((plan) => /\bSCAN\b|TEMP B-TREE/.test(plan))).toEqual([]);
    expect(plans.join('\n')).toContain('job_ended');
    expect(plans.join('\n')).toContain('document_deleted');
  });

  test('removes the events of a document except its last event, also behind many events that stay', async () => {
    // More than a batch of documents with one old event each (d0 among them), then d0 again with two more.
    addEvents(1_100, [1_000]);
    addEvents(1, [1_000, 1_500]);
    expect(await events.prune(2_000)).toBe(2);
    expect(count('document_event')).toBe(1_100);
    expect((await events.ofDocument('d0', 0, 10)).map(({ seq }) => seq)).toEqual([3]);
  });

  test('yields to the event loop between its transactions', async () => {
    addEvents(1_600, [1_000]);
    addJobs(Array.from({ length: 650 }, () => 1_000));
    for (const prune of [() => events.prune(2_000), () => queries.prune(2_000)]) {
      let isOver = false;
      let turns = 0;
      const pruning = prune().then(() => (isOver = true));
      while (!isOver) {
        await new Promise((resolve) => setImmediate(resolve));
        turns += 1;
      }
      await pruning;
      expect(turns).toBeGreaterThanOrEqual(3);
    }
  });
});
