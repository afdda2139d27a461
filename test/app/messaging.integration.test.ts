/** The whole core on a real NATS server: late subscribers get the state that HTTP shows; messages over NATS. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { broker, byJob, connectClient, natsCommand, readEvents } from '#test/events/nats-fixture';
import { isInCluster } from '#test/support/core-in-cluster';
import { direct, openCore, routed, type CoreFixture } from '#test/support/core';
import { dentistMessage, wantsDentist } from '#test/support/dentist';
import { fails, says, stalls } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

async function onBus(url: string, change: Record<string, unknown> = {}): Promise<CoreFixture> {
  const fixture = await openCore({ nats: { mode: 'external', url }, ...change });
  onTestFinished(() => fixture.close());
  return fixture;
}

describe.skipIf(natsCommand === null)('a core on NATS', () => {
  test('stores events from which a late subscriber rebuilds every job as HTTP shows it', async () => {
    const server = await broker();
    const { ask, client: http, core, small, large } = await onBus(server.url);
    small.script(direct('네'));
    await ask('안녕', { user_id: 'ann' });
    small.script(routed, says('작은 답'));
    large.script(fails(500));
    await ask('왜 하늘은 파래?', { user_id: 'bob' });
    small.script(wantsDentist);
    const waiting = await http.submit({
      message: dentistMessage,
      user_id: 'cid',
    });
    await until(async () => (await http.job(waiting)).state === 'confirm-draft');
    small.script(stalls());
    const cancelled = await http.submit({ message: '안녕', user_id: 'dan' });
    await until(() => small.open > 0);
    await http.controlJob(cancelled, 'cancel');

    const { jobs } = await http.jobs({});
    const total = jobs.reduce((sum, job) => sum + job.seq, 0);
    expect(await core.messaging.flush()).toBe(true);
    const { events } = await readEvents(await connectClient(server), total);
    const told = byJob(events);
    expect(told.size).toBe(4);
    for (const job of jobs) {
      const last = told.get(job.job_id)!.at(-1)!;
      const rebuilt = {
        state: last.state,
        seq: last.seq,
        reply: last.data['reply'] ?? null,
        outcome: last.data['outcome'] ?? null,
      };
      expect(rebuilt).toEqual({
        state: job.state,
        seq: job.seq,
        reply: job.reply,
        outcome: job.outcome,
      });
    }
  });

  test('accepts a message as a request, and returns the same job as HTTP', async () => {
    const server = await broker();
    const { small, client: http } = await onBus(server.url);
    const nc = await connectClient(server);
    const call = async (verb: string, body: unknown) => {
      const reply = await nc.request(`gatehouse.v1.svc.job.${verb}`, JSON.stringify(body), {
        timeout: 5_000,
      });
      return reply.json<Record<string, unknown>>();
    };
    small.script(direct('네'));
    let accepted: Record<string, unknown> = {};
    await until(async () => {
      accepted = await call('submit', { message: '안녕', idempotency_key: 'k' }).catch(() => ({}));
      return 'job_id' in accepted;
    });
    const jobId = String(accepted['job_id']);
    await until(async () => (await call('get', { job_id: jobId }))['reply'] === '네');
    expect(await call('get', { job_id: jobId })).toMatchObject({ ...(await http.job(jobId)) });
    expect(await call('submit', { message: '안녕', idempotency_key: 'k' })).toMatchObject({
      job_id: jobId,
    });
  });

  // A worker without its broker does not reach the others.
  test.skipIf(isInCluster)(
    'without its broker finishes jobs, reports it in /readyz, and publishes the events afterwards',
    async () => {
      const server = await broker();
      const { ask, core, small } = await onBus(server.url);
      await until(() => core.messaging.status().bus === 'connected');
      await server.kill();
      await until(() => core.messaging.status().bus === 'connecting');
      small.script(direct('네'));
      const { end, events } = await ask('안녕');
      expect(end.data['outcome']).toBe('answered');
      const ready = await fetch(`${core.url}/readyz`);
      expect(ready.status).toBe(200);
      const { reasons } = (await ready.json()) as { reasons: string[] };
      expect(reasons.join()).toMatch(/nats: not connected.*jobs go on/);
      await server.restart();
      await until(() => core.messaging.flush());
      const told = await readEvents(await connectClient(server), events.length);
      expect(told.events.map((event) => event.id)).toEqual(events.map((event) => event.id));
    },
  );
});
