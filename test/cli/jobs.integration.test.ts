/** `gatehouse jobs` over a core with many jobs. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CoreClient } from '#http/client/core-client';
import { listJobs } from '#cli/jobs';
import { openInspector, type InspectorFixture } from '#test/inspector/inspector-fixture';

let fixture: InspectorFixture;
beforeEach(async () => {
  fixture = await openInspector();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fixture.close();
});

test('jobs finds the only job of a state among all jobs, and prints as many pages as --limit needs', async () => {
  const { connection } = fixture.database;
  const insert = connection.prepare(`
    insert into job (id, user_id, channel, conversation, message, input, machine_version, state, n, seq,
                     created_at, updated_at, ended_at)
    values (?, 'ann', 'http', 'c', 'm', '{}', 1, ?, 1, 1, 1, 1, 1)`);
  connection.transaction(() => {
    insert.run('job-oldest', 'cancelled');
    for (let n = 0; n < 1_100; n += 1) insert.run(`job-${n}`, 'done');
  })();
  const printed: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  const client = new CoreClient(fixture.url, null);
  await listJobs(client, { state: 'cancelled' }, false);
  await listJobs(client, { state: 'reason' }, false);
  expect(printed).toEqual([expect.stringContaining('job-oldest'), 'no jobs']);

  // More than one page of the core.
  printed.length = 0;
  await listJobs(client, { limit: '600' }, false);
  expect(printed).toHaveLength(601);
  expect(printed[599]).toContain('job-500');
  expect(printed[600]).toBe('there are more: --limit N');
  printed.length = 0;
  await listJobs(client, { limit: '5000' }, false);
  expect(printed).toHaveLength(1_101);
});

test('the timings of a job are not negative after the clock was set back', async () => {
  const id = await fixture.send('왜 하늘은 파래?');
  await fixture.finish(id, '빛이 흩어져서');
  fixture.database.connection
    .prepare(
      'update journal set at = at - 3600000 where n > 1 and job = (select num from job where id = ?)',
    )
    .run(id);
  const { timings } = await new CoreClient(fixture.url, null).job(id);
  expect(Object.keys(timings)).toContain('ack');
  expect(Object.values(timings).filter((ms) => ms < 0)).toEqual([]);
});
