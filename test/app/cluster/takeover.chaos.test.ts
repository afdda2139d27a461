/** Workers that are killed, stopped and told to end: another one goes on with their work, and nothing is done twice. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { natsCommand } from '#test/events/nats-fixture';
import {
  liveIds,
  openTestCluster,
  userOf,
  userOfId,
  workerIdOf,
  type TestCluster,
  type TestWorker,
} from '#test/support/cluster';
import { direct, follow, routed } from '#test/support/core';
import { says } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { startWorkerProcess, type WorkerProcess } from '#test/support/worker-process';

const missing = postgresMissing() ?? (natsCommand === null ? 'nats-server is missing' : null);
let server: PostgresServer;

interface Pair {
  cluster: TestCluster;
  /** In this process. */
  a: TestWorker;
  /** A process of its own. */
  b: WorkerProcess;
  idOfB: string;
}

// Processes that are started and killed on a busy machine.
describe.skipIf(missing !== null)('a worker', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  async function openPair(): Promise<Pair> {
    const cluster = await openTestCluster(server);
    const a = await cluster.start();
    const b = await startWorkerProcess(cluster.configOf());
    const ids = await liveIds(server, cluster);
    const idOfB = ids.find((id) => id !== workerIdOf(a))!;
    await until(async () => {
      const owners = [...(await cluster.owners()).values()];
      return owners.includes(idOfB) && owners.every((owner) => ids.includes(owner ?? ''));
    });
    return { cluster, a, b, idOfB };
  }

  const isAlone = async ({ cluster, a }: Pair): Promise<boolean> =>
    [...(await cluster.owners()).values()].every((owner) => owner === workerIdOf(a));

  test('that is killed is replaced: its jobs go on, and each is answered once', async () => {
    const pair = await openPair();
    const { cluster, a, b, idOfB } = pair;
    const { small, large } = cluster;
    const users = await Promise.all(
      ['ann', 'bob', 'eve'].map((name) => userOfId(cluster, idOfB, name)),
    );
    const lateUser = await userOfId(cluster, idOfB, 'late');
    const { promise: never } = Promise.withResolvers<void>();
    small.script(routed, routed, routed);
    large.script(...users.map(() => async () => never));
    const jobs = await Promise.all(
      users.map((user_id) => b.client.submit({ message: 'explain the tides to me', user_id })),
    );
    const streams = jobs.map((jobId) => follow(a.client, jobId));
    await until(() => large.open === 3);
    large.script(...users.map(() => says('Of the other.')));
    b.signal('SIGKILL');
    // A message for its persons that comes meanwhile is accepted.
    small.script(direct('Accepted.'));
    const late = await a.client.submit({ message: 'hello', user_id: lateUser });
    for (const { events, end } of await Promise.all(streams)) {
      expect(end.data).toMatchObject({ reply: 'Of the other.' });
      expect(events.filter(({ type }) => type === 'done')).toHaveLength(1);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    }
    expect((await follow(a.client, late)).end.data).toMatchObject({ reply: 'Accepted.' });
    expect(large.requests).toHaveLength(6);
    await until(() => isAlone(pair));
  });

  test('that gets SIGTERM hands its work over, and no request is refused meanwhile', async () => {
    const pair = await openPair();
    const { cluster, a, b, idOfB } = pair;
    const { small } = cluster;
    const users = await Promise.all(
      ['ann', 'bob', 'eve', 'joe'].map((name) => userOfId(cluster, idOfB, name)),
    );
    let isOver = false;
    const jobs: string[] = [];
    const send = async (user_id: string): Promise<void> => {
      while (!isOver) {
        small.script(direct('Fine.'));
        jobs.push(await a.client.submit({ message: 'hello', user_id }));
        await until(async () => (await a.client.job(jobs.at(-1)!)).queue === null);
      }
    };
    const load = Promise.all([...users, userOf(a)].map(send));
    await until(() => jobs.length > 10);
    b.signal('SIGTERM');
    await b.ended;
    await until(() => isAlone(pair));
    const before = jobs.length;
    await until(() => jobs.length > before + 10);
    isOver = true;
    await load;
    small.script(...jobs.map(() => direct('Fine.')));
    for (const jobId of jobs) await until(async () => (await a.client.job(jobId)).state === 'done');
  });

  test('that is stopped for longer than the limit changes nothing after it wakes, and joins anew', async () => {
    const pair = await openPair();
    const { cluster, a, b, idOfB } = pair;
    const { small, large } = cluster;
    const user_id = await userOfId(cluster, idOfB);
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    small.script(routed);
    large.script(async (exchange) => {
      await held;
      await says('Of the first.')(exchange);
    });
    const jobId = await b.client.submit({ message: 'explain the tides to me', user_id });
    await until(() => large.open === 1);
    b.signal('SIGSTOP');
    // Its answer arrives while it is stopped, and is read when it wakes.
    release();
    large.script(says('Of the second.'));
    await until(() => isAlone(pair));
    expect((await follow(a.client, jobId)).end.data).toMatchObject({ reply: 'Of the second.' });
    b.signal('SIGCONT');
    await until(async () => {
      const ids = await liveIds(server, cluster);
      return ids.length === 2 && !ids.includes(idOfB);
    });
    await until(async () => !(await isAlone(pair)));
    const { events, end } = await follow(b.client, jobId);
    expect(end.data).toMatchObject({ reply: 'Of the second.' });
    expect(events.filter(({ type }) => type === 'done')).toHaveLength(1);
    small.script(direct('Back.'));
    const [newId] = (await liveIds(server, cluster)).filter((id) => id !== workerIdOf(a));
    const next = await a.client.submit({
      message: 'hello',
      user_id: await userOfId(cluster, newId!),
    });
    expect((await follow(b.client, next)).end.data).toMatchObject({ reply: 'Back.' });
    expect(b.log.some((line) => line.includes('other workers took this one for gone'))).toBe(true);
  });
});
