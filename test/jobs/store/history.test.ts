/** The history query of the job store. */
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '#storage/database';
import { createJobQueries } from '#jobs/store/job-queries';

test('the history query returns exchanges without failed and cancelled jobs, within its count and its oldest position', async () => {
  const database = await openDatabase({ path: ':memory:' });
  onTestFinished(() => database.close());
  const insert = database.connection.prepare(`
    insert into job (id, user_id, channel, conversation, message, reply, outcome, input, machine_version, state,
                     n, seq, created_at, updated_at, ended_at)
    values (?, 'u', 'http', ?, ?, ?, ?, '{}', 1, 'done', 1, 1, ?, 1, 1)`);
  const said = ['answered', 'failed', 'clarified', 'cancelled', 'declined', 'answered', null];
  for (const [n, outcome] of said.entries()) {
    insert.run(`j${n}`, 'c', `m${n}`, outcome === 'declined' ? null : `r${n}`, outcome, n);
    insert.run(`other${n}`, 'd', 'x', 'x', 'answered', n);
  }
  const queries = createJobQueries(database);
  expect(await queries.history('c', 'j6', 10, 0)).toEqual([
    { position: 0, message: 'm0', reply: 'r0' },
    { position: 1, message: 'm2', reply: 'r2' },
    { position: 2, message: 'm4', reply: '' },
    { position: 3, message: 'm5', reply: 'r5' },
  ]);
  const places = async (...rest: [max: number, since: number]): Promise<number[]> =>
    (await queries.history('c', 'j6', ...rest)).map(({ position: place }) => place);
  expect(await places(2, 0)).toEqual([2, 3]);
  expect(await places(10, 3)).toEqual([2, 3]);
  expect(await places(0, 0)).toEqual([]);
});
