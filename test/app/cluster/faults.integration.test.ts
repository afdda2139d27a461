/** Workers that are cut from the database or from NATS, that are of another version, or whose clock is wrong. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { jobMachineVersion } from '#machines/job';
import { systemClock } from '#shared/clock';
import { openSeverableProxy, type SeverableProxy } from '#test/chaos/severable-proxy';
import { natsCommand } from '#test/events/nats-fixture';
import {
  isOwnedBy,
  liveIds,
  openTestCluster,
  untilShared,
  userOf,
  workerIdOf,
  type TestCluster,
  type TestWorker,
} from '#test/support/cluster';
import { direct, follow, routed } from '#test/support/core';
import { says } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

const missing = postgresMissing() ?? (natsCommand === null ? 'nats-server is missing' : null);
let server: PostgresServer;

const post = ({ core }: TestWorker, user_id: string): Promise<Response> =>
  fetch(`${core.url}/chat`, {
    method: 'POST',
    body: JSON.stringify({ message: 'hello', user_id }),
  });

const isReady = async ({ core }: TestWorker): Promise<boolean> =>
  (await fetch(`${core.url}/readyz`)).status === 200;

async function proxyTo(port: number): Promise<SeverableProxy> {
  const proxy = await openSeverableProxy(port);
  onTestFinished(() => proxy.close());
  return proxy;
}

const ownsAll = async (cluster: TestCluster, worker: TestWorker): Promise<boolean> =>
  [...(await cluster.owners()).values()].every((owner) => owner === workerIdOf(worker));

describe.skipIf(missing !== null)('a worker of a cluster', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  test('that is cut from the database refuses messages, is replaced, and comes back as another one', async () => {
    const cluster = await openTestCluster(server);
    const proxy = await proxyTo(server.port);
    const a = await cluster.start();
    const b = await cluster.start({ databasePort: proxy.port });
    await untilShared(cluster, [a, b]);
    const user_id = userOf(b);
    const { promise: never } = Promise.withResolvers<void>();
    cluster.small.script(routed);
    cluster.large.script(async () => never);
    const jobId = await b.client.submit({ message: 'explain the tides to me', user_id });
    await until(() => cluster.large.open === 1);
    const id = workerIdOf(b);
    cluster.large.script(says('Of the other.'));
    proxy.sever();
    const refused = await post(b, user_id);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'GH_STORE_UNAVAILABLE' });
    await until(() => ownsAll(cluster, a));
    await until(async () => !(await isReady(b)));
    expect((await follow(a.client, jobId)).end.data).toMatchObject({ reply: 'Of the other.' });
    cluster.small.script(direct('Meanwhile.'));
    const next = await a.client.submit({ message: 'hello', user_id });
    expect((await follow(a.client, next)).end.data).toMatchObject({ reply: 'Meanwhile.' });
    proxy.restore();
    await until(() => workerIdOf(b) !== id);
    await untilShared(cluster, [a, b]);
    expect(await isReady(b)).toBe(true);
    cluster.small.script(direct('Back.'));
    const back = await a.client.submit({ message: 'hello', user_id: userOf(b, 'back') });
    expect((await follow(b.client, back)).end.data).toMatchObject({ reply: 'Back.' });
    expect(cluster.large.requests).toHaveLength(2);
  });

  test('that is cut from NATS keeps its work for a while, then others have it, until it is back', async () => {
    const cluster = await openTestCluster(server);
    const proxy = await proxyTo(cluster.nats.port);
    const a = await cluster.start();
    const b = await cluster.start({ natsPort: proxy.port });
    await untilShared(cluster, [a, b]);
    const id = workerIdOf(b);
    const user_id = userOf(b);
    proxy.sever();
    cluster.small.script(direct('Still here.'));
    const jobId = await b.client.submit({ message: 'hello', user_id });
    expect((await follow(b.client, jobId)).end.data).toMatchObject({ reply: 'Still here.' });
    await until(() => ownsAll(cluster, a));
    // It was not taken for gone: it handed its leases over.
    expect(workerIdOf(b)).toBe(id);
    cluster.small.script(direct('Of the other.'));
    const next = await a.client.submit({ message: 'hello', user_id });
    expect((await follow(a.client, next)).end.data).toMatchObject({ reply: 'Of the other.' });
    proxy.restore();
    await untilShared(cluster, [a, b]);
    expect(workerIdOf(b)).toBe(id);
  });

  test('keeps all its work when no worker has NATS, and asks a model whose gate it holds; the others wait for NATS', async () => {
    const cluster = await openTestCluster(server);
    const [a, b] = [await cluster.start(), await cluster.start()];
    await untilShared(cluster, [a, b]);
    await cluster.nats.kill();
    // Longer than it takes to be isolated: both say so in the table.
    await until(async () => {
      const { rows } = await server.run(
        'select isolated from worker where not gone',
        cluster.database,
      );
      return rows.every(({ isolated }: { isolated: boolean }) => isolated);
    });
    // One of them was isolated first, and handed its work to the other for a moment.
    await untilShared(cluster, [a, b]);
    const isArbiter = ({ core }: TestWorker): boolean =>
      core.pool.find('small')?.gate.view().arbiter?.isSelf === true;
    await until(() => isArbiter(a) !== isArbiter(b));
    const inOrder = isArbiter(a) ? [a, b] : [b, a];
    cluster.small.script(direct('Answer 0.'), direct('Answer 1.'));
    const ends: Promise<Awaited<ReturnType<typeof follow>>>[] = [];
    for (const worker of inOrder) {
      const jobId = await worker.client.submit({ message: 'hello', user_id: userOf(worker) });
      ends.push(follow(worker.client, jobId));
      if (worker === inOrder[0])
        expect((await ends[0]!).end.data).toMatchObject({ reply: 'Answer 0.' });
    }
    expect(cluster.small.requests).toHaveLength(1);
    await cluster.nats.restart();
    expect((await ends[1]!).end.data).toMatchObject({ reply: 'Answer 1.' });
  });

  test('of an older version answers for all, and takes nothing that a newer one had', async () => {
    const cluster = await openTestCluster(server);
    const old = await cluster.start({ machineVersion: jobMachineVersion - 1 });
    const newer = await cluster.start();
    await untilShared(cluster, [old, newer]);
    const user_id = userOf(newer);
    cluster.small.script(direct('Of the newer.'));
    const jobId = await old.client.submit({ message: 'hello', user_id });
    expect((await follow(old.client, jobId)).end.data).toMatchObject({ reply: 'Of the newer.' });
    const third = await cluster.start();
    await untilShared(cluster, [old, newer, third]);
    const held = [...(await cluster.owners())].filter(([, owner]) => owner === workerIdOf(third));
    await newer.stop();
    await third.stop();
    await until(async () => (await liveIds(server, cluster)).length === 1);
    const owners = await cluster.owners();
    expect(held.length).toBeGreaterThan(0);
    expect(held.map(([name]) => owners.get(name))).toEqual(held.map(() => null));
    // Its own work goes on, and a message for the others waits for one of them.
    const waiting = old.client.submit({ message: 'hello', user_id });
    cluster.small.script(direct('After the upgrade.'));
    await cluster.start();
    expect((await follow(old.client, await waiting)).end.data).toMatchObject({
      reply: 'After the upgrade.',
    });
  });

  test('whose clock is 10 minutes ahead or behind shares the work, hands it over and takes it', async () => {
    const cluster = await openTestCluster(server);
    const shifted = (ms: number) => ({ clock: { ...systemClock, now: () => Date.now() + ms } });
    const a = await cluster.start();
    const ahead = await cluster.start(shifted(600_000));
    const behind = await cluster.start(shifted(-600_000));
    const all = [a, ahead, behind];
    await untilShared(cluster, all);
    const users = all.map((worker) => userOf(worker));
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    cluster.small.script(routed, routed, routed);
    cluster.large.script(
      ...all.map(() => async (exchange: Parameters<ReturnType<typeof says>>[0]) => {
        await held;
        await says('Too late.')(exchange);
      }),
    );
    const jobs = await Promise.all(
      users.map((user_id) => a.client.submit({ message: 'explain the tides to me', user_id })),
    );
    await until(() => cluster.large.open === 3);
    cluster.large.script(says('Answered.'), says('Answered.'), says('Answered.'));
    await ahead.stop();
    await behind.stop();
    release();
    await until(() => ownsAll(cluster, a));
    for (const [index, jobId] of jobs.entries()) {
      const { events, end } = await follow(a.client, jobId);
      expect(events.filter(({ type }) => type === 'done')).toHaveLength(1);
      const reply = index === 0 ? 'Too late.' : 'Answered.';
      expect(end.data).toMatchObject({ reply, outcome: 'answered' });
    }
    expect(users.every((user_id) => isOwnedBy(a, user_id))).toBe(true);
  });
});
