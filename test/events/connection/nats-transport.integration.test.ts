/** A gate that two workers share over a real nats-server, which is killed and started again in the middle. */
import { connect } from 'nats';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { GateArbiter } from '#cluster/gate/gate-arbiter';
import { clusterTimingOf } from '#cluster/cluster-timing';
import { RemoteGate } from '#cluster/gate/remote-gate';
import { NatsTransport } from '#events/connection/nats-transport';
import type { GateRequest } from '#models/gate/gate-types';
import { createSubjects } from '#shared/wire/subjects';
import { broker, natsCommand } from '../nats-fixture.ts';

const subjects = createSubjects().gate('m/1');
const clock = { now: () => Date.now() };
const timers = {
  monotonicNow: () => performance.now(),
  setTimeout,
  clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
};
const { gate } = clusterTimingOf({ beatMs: 1_000, goneAfterMs: 5_000 });
const timing = { ...gate, beatMs: 100, quietMs: 50 };

const requestOf = (user: string, onQueued: GateRequest['onQueued'] = () => {}): GateRequest => ({
  kind: 'reason',
  priority: 'foreground',
  user,
  preemptible: false,
  signal: new AbortController().signal,
  deadlineAt: null,
  onQueued,
});

async function attachTo(transport: NatsTransport, url: string): Promise<void> {
  const connection = await connect({ servers: url, reconnect: false });
  onTestFinished(() => connection.close());
  transport.attach(connection);
}

describe.skipIf(natsCommand === null)('a shared gate over NATS', () => {
  test('grants to another worker, and goes on after a restart of the server', async () => {
    const server = await broker();
    const transports = [new NatsTransport(), new NatsTransport()] as const;
    for (const transport of transports) await attachTo(transport, server.url);
    const gates = transports.map(
      (transport, n) =>
        new RemoteGate({ id: 'm/1', worker: `w${n}`, transport, subjects, clock, timers, timing }),
    );
    const arbiter = new GateArbiter({
      gate: { id: 'm/1', concurrency: 1, probe: async () => true, clock, timers },
      epoch: 1,
      isConfirmed: () => true,
      transport: transports[0],
      subjects,
      silentMs: 0,
      timing,
    });
    gates[0]?.useLocal(arbiter);
    onTestFinished(() => {
      for (const gate of gates) gate.stop();
      arbiter.close('lost');
    });
    const first = await gates[1]!.acquire(requestOf('ann'));
    if (!first.ok) throw new Error(first.errorReason);
    const queued = Promise.withResolvers<number>();
    const second = gates[0]!.acquire(requestOf('bob', ({ ahead }) => queued.resolve(ahead)));
    expect(await queued.promise).toBe(1);

    await server.kill();
    for (const transport of transports) transport.detach();
    first.permit.release({ result: 'ok' });
    await server.restart();
    for (const transport of transports) await attachTo(transport, server.url);
    const granted = await second;
    expect(granted.ok).toBe(true);
    expect(first.permit.signal.aborted).toBe(false);
    expect(arbiter.gate.view().counters.grants).toBe(2);
  });

  test('a request without a subscriber and one without a connection are rejected', async () => {
    const server = await broker();
    const transport = new NatsTransport();
    await expect(transport.request('x', {}, 1_000)).rejects.toThrow('no connection');
    await attachTo(transport, server.url);
    await expect(transport.request('x', {}, 1_000)).rejects.toThrow('no responders');
  });

  test('an answer or a message that is larger than the server carries is lost, and nothing else ends', async () => {
    const server = await broker();
    const [owner, caller] = [new NatsTransport(), new NatsTransport()];
    for (const transport of [owner, caller]) await attachTo(transport, server.url);
    const large = 'x'.repeat(2 * 1024 ** 2);
    owner.subscribe('later', async () => large);
    owner.subscribe('now', () => large);
    owner.subscribe('small', () => 'here');
    // The server may read the request of one connection before the subscription of another.
    await vi.waitFor(() => caller.request('small', {}, 1_000));
    await expect(caller.request('later', {}, 300)).rejects.toThrow('timeout');
    await expect(caller.request('now', {}, 300)).rejects.toThrow('timeout');
    owner.publish('news', large);
    expect(await caller.request('small', {}, 1_000)).toBe('here');
  });
});
