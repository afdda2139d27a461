/** Two real workers on one PostgreSQL and one NATS server: any of them answers for all persons. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { natsCommand } from '#test/events/nats-fixture';
import {
  openTestCluster,
  untilShared,
  userOf,
  type TestCluster,
  type TestWorker,
} from '#test/support/cluster';
import { direct, follow } from '#test/support/core';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

const missing = postgresMissing() ?? (natsCommand === null ? 'nats-server is missing' : null);
let server: PostgresServer;

describe.skipIf(missing !== null)('two workers', () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  async function openTwo(): Promise<{ cluster: TestCluster; a: TestWorker; b: TestWorker }> {
    const cluster = await openTestCluster(server);
    const [a, b] = [await cluster.start(), await cluster.start()];
    await untilShared(cluster, [a, b]);
    return { cluster, a, b };
  }

  test('answer a message that came to the one for a person of the other, with its stream at both', async () => {
    const { cluster, a, b } = await openTwo();
    cluster.small.script(direct('From the other.'));
    const jobId = await a.client.submit({ message: 'hello', user_id: userOf(b) });
    const [here, there] = await Promise.all([follow(a.client, jobId), follow(b.client, jobId)]);
    expect(here.end.data).toMatchObject({ reply: 'From the other.' });
    expect(here.events).toEqual(there.events);
    expect(here.events.map(({ seq }) => seq)).toEqual(here.events.map((_, index) => index + 1));
  });
});
