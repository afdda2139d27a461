/** What a watcher at one worker gets of a job that moves between workers: complete, and in order. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { createClusterLive, type ClusterLive } from '#app/cluster/cluster-live';
import { createLeaseDoors, type LeaseDoors } from '#cluster/lease-doors';
import { createLiveHub, type LiveHub } from '#jobs/runtime/live-hub';
import { silentLog } from '#shared/log';
import type { MessageTransport } from '#shared/message-transport';
import { eventId, type StateEvent } from '#shared/wire/state-event';
import { partitionLease, partitionOf } from '#storage/postgres/partition';
import { createBroker } from '#test/cluster/memory-broker';
import { until } from '#test/support/journal';

const jobId = 'job-1';
const lease = partitionLease(partitionOf('ann'));

const eventOf = (seq: number, type: StateEvent['type'] = 'state'): StateEvent => ({
  id: eventId(jobId, seq),
  job_id: jobId,
  seq,
  type,
  state: 'classify',
  at: new Date(0).toISOString(),
  user_id: 'ann',
  channel: 'http',
  data: {},
});

interface Worker {
  hub: LiveHub;
  doors: LeaseDoors;
  live: ClusterLive;
}

function openWorker(transport: MessageTransport, stored: StateEvent[], name: string): Worker {
  const hub = createLiveHub();
  const log = silentLog();
  const doors = createLeaseDoors({
    transport,
    subjectOf: (of) => `door.${of}`,
    isConfirmed: () => true,
    log,
  });
  const live = createClusterLive({
    hub,
    doors,
    transport,
    inbox: () => name,
    userOf: async () => 'ann',
    eventsAfter: async (_, seq) => stored.filter((event) => event.seq > seq),
    queueOf: () => null,
    allEvents: 'all',
    log,
  });
  transport.subscribe(name, (message) => live.receive(message));
  onTestFinished(() => live.stop());
  return { hub, doors, live };
}

function openTwo() {
  const { transport } = createBroker();
  const stored: StateEvent[] = [];
  const [a, b] = [openWorker(transport, stored, 'a'), openWorker(transport, stored, 'b')];
  return {
    a,
    b,
    /** The worker stores an event of the job and publishes it. */
    commit({ hub }: Worker, type?: StateEvent['type']): void {
      const event = eventOf(stored.length + 1, type);
      stored.push(event);
      hub.event(event);
    },
    watch({ live }: Worker): number[] {
      const seen: number[] = [];
      const end = live.subscribe(jobId, {
        event: ({ seq }) => seen.push(seq),
        token: () => undefined,
      });
      onTestFinished(end);
      return seen;
    },
    move(from: Worker, to: Worker): void {
      void from.doors.close(lease);
      to.doors.open(lease, to.live.operations);
    },
  };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

describe('a watcher at one of two workers', () => {
  test('gets the events of a job of its own worker in the same tick', () => {
    const { a, commit, watch } = openTwo();
    a.doors.open(lease, a.live.operations);
    const seen = watch(a);
    commit(a);
    expect(seen).toEqual([1]);
    commit(a, 'done');
    expect(seen).toEqual([1, 2]);
  });

  test('gets the events of a job of the other worker', async () => {
    const { a, b, commit, watch } = openTwo();
    b.doors.open(lease, b.live.operations);
    commit(b);
    const seen = watch(a);
    await until(() => seen.length === 1);
    commit(b);
    commit(b, 'done');
    await until(() => seen.length === 3);
    expect(seen).toEqual(numbers(3));
  });

  test('gets what happened while its job was away for less time than lies between two looks', async () => {
    const { a, b, commit, watch, move } = openTwo();
    a.doors.open(lease, a.live.operations);
    const seen = watch(a);
    commit(a);
    move(a, b);
    commit(b);
    commit(b, 'done');
    move(b, a);
    await until(() => seen.length === 3);
    expect(seen).toEqual(numbers(3));
  });

  test('gets them before the next event of its own worker', async () => {
    const { a, b, commit, watch, move } = openTwo();
    a.doors.open(lease, a.live.operations);
    const seen = watch(a);
    commit(a);
    move(a, b);
    commit(b);
    move(b, a);
    commit(a);
    commit(a, 'done');
    await until(() => seen.length === 4);
    expect(seen).toEqual(numbers(4));
  });

  test('gets the events that the jobs of a new partition have before its door is open', async () => {
    const { a, b, commit, watch, move } = openTwo();
    b.doors.open(lease, b.live.operations);
    commit(b);
    const seen = watch(a);
    await until(() => seen.length === 1);
    void b.doors.close(lease);
    commit(b);
    commit(a);
    move(b, a);
    commit(a);
    await until(() => seen.length === 4);
    expect(seen).toEqual(numbers(4));
  });
});
