/** The arbiter of a gate is killed with SIGKILL: running answers go on, and the next grant follows in the old order. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelOutcome, RunOptions } from '#shared/model/model';
import { natsCommand } from '#test/events/nats-fixture';
import { liveIds, openTestCluster, workerIdOf } from '#test/support/cluster';
import { says, stalls } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { startWorkerProcess } from '#test/support/worker-process';

const missing = postgresMissing() ?? (natsCommand === null ? 'nats-server is missing' : null);
/** So many that each of two workers is the arbiter of one. */
const ids = Array.from({ length: 12 }, (_, index) => `gate${index}`);
let server: PostgresServer;

describe.skipIf(missing !== null)('the arbiter of a gate', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  test('that is killed leaves running answers unharmed; those who wait keep their order, age and preemptions', async () => {
    const cluster = await openTestCluster(server);
    const { large } = cluster;
    const change = {
      backends: ids.map((id) => ({ id, baseUrl: large.baseUrl, model: 'm', concurrency: 1 })),
      roles: { classifier: ids[0], reasoner: ids[0] },
    };
    const a = await cluster.start({ change });
    const b = await startWorkerProcess(cluster.configOf({ change }));
    const idOfB = (await liveIds(server, cluster)).find((id) => id !== workerIdOf(a))!;
    const ownerOf = async (id: string) => (await cluster.owners()).get(`gate/${id}`);
    let id = '';
    await until(async () => {
      const owners = await Promise.all(ids.map(ownerOf));
      id = ids[owners.indexOf(idOfB)] ?? '';
      return id !== '' && a.core.pool.find(id)!.gate.view().arbiter?.isSelf === false;
    });
    const { backend, gate } = a.core.pool.find(id)!;
    const run = (user: string, more: Partial<RunOptions> = {}): Promise<ModelOutcome> =>
      backend.run(
        { messages: [{ role: 'user', content: 'hello' }] },
        {
          kind: 'reason',
          priority: 'foreground',
          user,
          signal: new AbortController().signal,
          ...more,
        },
      );
    const order: string[] = [];
    const named = (name: string) => async (exchange: Parameters<ReturnType<typeof says>>[0]) => {
      order.push(name);
      await says(name)(exchange);
    };
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    large.script(
      stalls(),
      async (exchange) => {
        await held;
        await says('went on')(exchange);
      },
      named('second'),
      named('third'),
    );
    const began = performance.now();
    const draft = run('ann', { kind: 'draft', priority: 'background', preemptible: true });
    await large.arrived(1);
    const running = run('bob');
    await large.arrived(2);
    const next = run('eve');
    await until(() => gate.view().waiting.length === 2);

    b.signal('SIGKILL');
    await until(
      () => gate.view().arbiter?.isSelf === true && gate.view().waiting.length === 2,
      20_000,
    );
    const { running: runs, waiting, arbiter } = gate.view();
    const silentMs = performance.now() - began;
    expect(runs.map(({ user }) => user)).toEqual(['bob']);
    expect(waiting.map(({ user, preemptions }) => [user, preemptions])).toEqual([
      ['eve', 0],
      ['ann', 1],
    ]);
    // Its age is that of its first arrival, at the arbiter that was killed.
    expect(waiting[1]!.waitedMs).toBeGreaterThan(silentMs / 2);
    expect(arbiter?.epoch).toBeGreaterThan(1);
    expect(large.requests).toHaveLength(2);
    release();
    expect(await running).toMatchObject({ ok: true, text: 'went on' });
    expect(await next).toMatchObject({ ok: true, text: 'second' });
    expect(await draft).toMatchObject({ ok: true, text: 'third' });
    expect(order).toEqual(['second', 'third']);
    expect(large.overlapMax).toBe(1);
  });
});
