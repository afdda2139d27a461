/** Lists of jobs on SQLite: the index that each query uses, and the cache of statements. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase, type Database } from '#storage/database';
import { createJobQueries, type JobQueries } from '#jobs/store/job-queries';

let database: Database;
let queries: JobQueries;
/** The statements that were prepared since the database was opened. */
let statements: string[];
beforeEach(async () => {
  database = await openDatabase({ path: ':memory:' });
  queries = createJobQueries(database);
  const { connection } = database;
  const prepare = connection.prepare.bind(connection);
  statements = [];
  connection.prepare = (source: string) => {
    statements.push(source);
    return prepare(source);
  };
});
afterEach(() => database.close());

/** Adds one job per state, oldest first. A job that is neither done nor cancelled is open. */
function addJobs(states: readonly string[], userId = 'ann'): void {
  const { connection } = database;
  const start = connection.prepare('select count(*) as n from job').get() as { n: number };
  const insert = connection.prepare(`
    insert into job (id, user_id, channel, conversation, message, input, machine_version, state, n, seq,
                     created_at, updated_at, ended_at)
    values (?, ?, 'http', 'c', 'm', '{}', 1, ?, 1, 1, 1, 1, ?)`);
  const isOpen = (state: string): boolean => state !== 'done' && state !== 'cancelled';
  connection.transaction(() =>
    states.forEach((state, index) =>
      insert.run(`job-${start.n + index}`, userId, state, isOpen(state) ? null : 1),
    ),
  )();
}

const done = (count: number): string[] => Array.from({ length: count }, () => 'done');

test.each([
  { userId: 'nobody' },
  { userId: 'ann', state: 'done' },
  { userId: 'ann', before: 7 },
  { userId: 'ann', outcome: 'failed' },
  { state: 'reason' },
  { state: 'reason', userId: 'ann' },
  { state: 'reason', before: 7 },
  { state: 'no such state' },
])('the list for $userId $state $outcome reads jobs by an index only', async (filter) => {
  addJobs(done(3));
  await queries.list({ ...filter, limit: 10 });
  const plans = statements
    .filter((source) => /from "job_now"/.test(source))
    .map((source) => {
      const places = [...source.matchAll(/\?/g)].map(() => 1);
      const plan = database.connection.prepare(`explain query plan ${source}`).all(...places);
      return (plan as { detail: string }[]).map(({ detail }) => detail).join('; ');
    });
  expect(plans.length).toBeGreaterThan(0);
  // A search by rowid reads only jobs that were found.
  const good =
    /^(?:SEARCH job USING (?:INDEX job_user|INTEGER PRIMARY KEY \(rowid=\?\))|(?:SCAN|SEARCH) job USING INDEX job_open)/;
  expect(plans.filter((plan) => !good.test(plan) || plan.includes('TEMP B-TREE'))).toEqual([]);
});

test('a recent query is not prepared again; an evicted query is prepared again and returns the same rows', async () => {
  addJobs(done(3));
  const ask = (values: number) =>
    database.query
      .selectFrom('job')
      .select('id')
      .where(
        'num',
        'in',
        Array.from({ length: values }, (_, index) => index + 1),
      )
      .orderBy('num')
      .execute();
  expect(await ask(1)).toEqual([{ id: 'job-0' }]);
  statements.length = 0;
  expect(await ask(1)).toEqual([{ id: 'job-0' }]);
  expect(statements).toEqual([]);
  for (let values = 2; values <= 300; values += 1) await ask(values);
  statements.length = 0;
  expect(await ask(300)).toHaveLength(3);
  expect(statements).toEqual([]);
  expect(await ask(1)).toEqual([{ id: 'job-0' }]);
  expect(statements).toHaveLength(1);
});
