/** Two real workers share the gate of each model server: one arbiter, and never more requests than `concurrency`. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ModelOutcome, RunOptions } from '#shared/model/model';
import type { BackendView } from '#shared/wire/backend-view';
import { natsCommand } from '#test/events/nats-fixture';
import {
  openTestCluster,
  untilShared,
  type TestCluster,
  type TestWorker,
} from '#test/support/cluster';
import { says, stalls } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { openSeverableProxy } from '#test/chaos/severable-proxy';

const missing = postgresMissing() ?? (natsCommand === null ? 'nats-server is missing' : null);
let server: PostgresServer;

const oneAtATime = (cluster: TestCluster): Record<string, unknown> => ({
  backends: [
    { id: 'small', baseUrl: cluster.small.baseUrl, model: 'm', concurrency: 4 },
    { id: 'large', baseUrl: cluster.large.baseUrl, model: 'm', concurrency: 1 },
  ],
});

const gateOf = ({ core }: TestWorker) => core.pool.find('large')!.gate;

function run({ core }: TestWorker, more: Partial<RunOptions> = {}): Promise<ModelOutcome> {
  return core.pool.find('large')!.backend.run(
    { messages: [{ role: 'user', content: 'hello' }] },
    {
      kind: 'reason',
      priority: 'foreground',
      user: 'ann',
      signal: new AbortController().signal,
      ...more,
    },
  );
}

const arbiterOf = (workers: readonly TestWorker[]): TestWorker => {
  const found = workers.find((worker) => gateOf(worker).view().arbiter?.isSelf === true);
  if (found === undefined) throw new Error('no worker is the arbiter');
  return found;
};

describe.skipIf(missing !== null)('the gate of a model server over two workers', () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  async function openTwo() {
    const cluster = await openTestCluster(server);
    const change = oneAtATime(cluster);
    const workers = [await cluster.start({ change }), await cluster.start({ change })] as const;
    await untilShared(cluster, workers);
    await until(() =>
      workers.every((worker) => gateOf(worker).view().arbiter?.epoch !== undefined),
    );
    const holder = arbiterOf(workers);
    return { cluster, change, holder, other: workers.find((worker) => worker !== holder)! };
  }

  test('runs one request at a time, and every worker sees who holds it', async () => {
    const { cluster, holder, other } = await openTwo();
    const { large } = cluster;
    const end = new AbortController();
    large.script(stalls(), says('second'), says('third'));
    const first = run(other, { signal: end.signal });
    await large.arrived(1);
    const positions: number[] = [];
    const second = run(holder, { user: 'bob', onQueued: ({ ahead }) => positions.push(ahead) });
    const third = run(other, { user: 'eve', onQueued: ({ ahead }) => positions.push(ahead) });
    for (const worker of [holder, other]) {
      await until(() => gateOf(worker).view().waiting.length === 2);
      const { running, arbiter } = gateOf(worker).view();
      expect(running.map(({ user }) => user)).toEqual(['ann']);
      expect(arbiter?.permits.map(({ fence }) => fence)).toHaveLength(1);
      const response = await fetch(`${worker.core.url}/backends`);
      const { backends } = (await response.json()) as { backends: BackendView[] };
      const { gate } = backends.find(({ id }) => id === 'large')!;
      expect(gate.running.map(({ user }) => user)).toEqual(['ann']);
      expect(gate.arbiter).toMatchObject({
        worker: gateOf(holder).view().arbiter?.worker,
        is_self: worker === holder,
        permits: [{ fence: expect.stringMatching(/^\d+\.\d+$/) }],
      });
    }
    expect(positions.toSorted((a, b) => a - b)).toEqual([1, 2]);
    expect(large.requests[0]?.headers['gatehouse-fence']).toMatch(/^\d+\.\d+$/);
    expect(large.requests[0]?.headers['gatehouse-gate']).toBe('large');
    end.abort();
    expect(await first).toMatchObject({ ok: false, errorReason: 'cancelled' });
    expect(await second).toMatchObject({ ok: true });
    expect(await third).toMatchObject({ ok: true });
    expect(large.overlapMax).toBe(1);
  });

  test('a foreground request at one worker preempts the draft of the other, which runs again', async () => {
    const { cluster, holder, other } = await openTwo();
    const { large } = cluster;
    large.script(stalls(), says('question'), says('draft'));
    const draft = run(other, { priority: 'background', preemptible: true, user: 'ann' });
    await large.arrived(1);
    expect(await run(holder, { user: 'bob' })).toMatchObject({ ok: true, text: 'question' });
    expect(await draft).toMatchObject({ ok: true, text: 'draft' });
    expect(large.overlapMax).toBe(1);
  });

  test('a stop of the arbiter hands its table over: no quiet time, and the running answer goes on', async () => {
    const { cluster, holder, other } = await openTwo();
    const { large } = cluster;
    let finish: () => void = () => {};
    const untilFinished = new Promise<void>((resolve) => (finish = resolve));
    large.script(async (exchange) => {
      await untilFinished;
      await says('went on')(exchange);
    });
    const running = run(other);
    await large.arrived(1);
    const waiting = run(other, { user: 'bob' });
    await until(() => gateOf(other).view().waiting.length === 1);
    const { epoch } = gateOf(holder).view().arbiter!;
    await holder.stop();
    await until(() => gateOf(other).view().arbiter?.isSelf === true);
    expect(gateOf(other).view().arbiter?.epoch).toBe(epoch + 1);
    // In the quiet time of a takeover no request would be in the queue of the new arbiter.
    await until(() => gateOf(other).view().waiting.length === 1);
    finish();
    expect(await running).toMatchObject({ ok: true, text: 'went on' });
    expect(await waiting).toMatchObject({ ok: true });
    expect(large.overlapMax).toBe(1);
  });

  test('an arbiter that is cut off is replaced: its own request ends before the next one begins', async () => {
    const cluster = await openTestCluster(server);
    const change = oneAtATime(cluster);
    const links = [
      await openSeverableProxy(server.port),
      await openSeverableProxy(cluster.nats.port),
    ];
    onTestFinished(async () => {
      for (const link of links) await link.close();
    });
    const [databasePort, natsPort] = links.map(({ port }) => port) as [number, number];
    const first = await cluster.start({ change, databasePort, natsPort });
    await until(() => gateOf(first).view().arbiter?.isSelf === true);
    const { large } = cluster;
    large.script(stalls(), says('after the takeover'));
    const cutOff = run(first);
    await large.arrived(1);
    const second = await cluster.start({ change });
    await until(() => gateOf(second).view().arbiter !== null);
    if (gateOf(first).view().arbiter?.isSelf === true) {
      for (const link of links) link.sever();
      await until(() => gateOf(second).view().arbiter?.isSelf === true);
    } else for (const link of links) link.sever();
    const next = run(second, { user: 'bob' });
    expect(await cutOff).toMatchObject({ ok: false });
    expect(await next).toMatchObject({ ok: true, text: 'after the takeover' });
    expect(large.overlapMax).toBe(1);
  });
});
