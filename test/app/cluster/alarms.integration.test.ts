/** Alarms of calendars and reminders of two real workers on one database: the owner of the person's partition fires them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobPage } from '#shared/wire/job-service';
import { natsCommand } from '#test/events/nats-fixture';
import { entry } from '#test/support/calendar-entry';
import { openTestCluster, untilShared, userOf, type TestWorker } from '#test/support/cluster';
import { direct } from '#test/support/core';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

const missing = postgresMissing() ?? (natsCommand === null ? 'nats-server is missing' : null);
let server: PostgresServer;

describe.skipIf(missing !== null)('the alarm of an entry, with two workers,', () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  test('fires once, wherever its calendar was changed, also after its worker has gone', async () => {
    const cluster = await openTestCluster(server);
    const [a, b] = [await cluster.start(), await cluster.start()];
    await untilShared(cluster, [a, b]);
    const people = [userOf(a, 'ann'), userOf(b, 'bob')];
    cluster.small.script(direct('hello'), direct('hello'));
    for (const user_id of people) {
      const job = await a.client.submit({
        message: 'tell me something nice about tigers',
        user_id,
      });
      await until(async () => (await a.client.job(job)).state === 'done');
    }
    /** Replies of the jobs that the alarms of an entry have opened. */
    const delivered = async (worker: TestWorker, title: string, user: string): Promise<string[]> =>
      (await worker.client.request<JobPage>('GET', `/jobs?limit=50&user_id=${user}`)).jobs
        .filter(({ message, state }) => message.startsWith(title) && state === 'done')
        .map(({ reply }) => reply ?? '');

    // Both calendars are changed at the same worker.
    for (const user of people) {
      await a.client.importCalendar(entry(3_600_000, ['TRIGGER:-PT59M57S']), user);
    }
    for (const user of people) {
      await until(async () => (await delivered(b, 'dentist', user)).length > 0);
    }
    const later = entry(3_600_000, ['TRIGGER:-PT59M54S'], { title: 'hairdresser' });
    await a.client.importCalendar(later, people[1]);
    await until(async () => {
      const all = await a.core.schedules.schedules.list({ userId: people[1]! }, '', 50);
      return all.some(({ text }) => text.startsWith('hairdresser'));
    });
    await b.stop();
    await until(async () => (await delivered(a, 'hairdresser', people[1]!)).length > 0);
    // Another look of all planners changes nothing.
    await a.client.importCalendar(entry(7_200_000, ['TRIGGER:-PT10M'], { title: 'x' }), people[0]);
    await until(async () => {
      const all = await a.core.schedules.schedules.list({ userId: people[0]! }, '', 50);
      return all.some(({ text }) => text.startsWith('x'));
    });
    for (const user of people) expect(await delivered(a, 'dentist', user)).toHaveLength(1);
    expect(await delivered(a, 'hairdresser', people[1]!)).toHaveLength(1);
  });
});
