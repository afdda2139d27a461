import { describe, expect, test } from 'vitest';
import { createFailureDetector } from '#cluster/failure-detector';
import { planLeases } from '#cluster/lease-plan';
import { winnerOf } from '#cluster/rendezvous';

const names = Array.from({ length: 640 }, (_, n) => `part/${n}`);
const lease = (name: string, worker: string | null, machineVersion = 1) => ({
  name,
  worker,
  epoch: 3,
  machineVersion,
});
const worker = (id: string, machineVersion = 1) => ({ id, machineVersion });

describe('rendezvous hashing', () => {
  test('gives each worker about the same number of leases', () => {
    const counts = new Map<string, number>();
    for (const name of names) {
      const winner = winnerOf(name, ['a', 'b', 'c', 'd'])!;
      counts.set(winner, (counts.get(winner) ?? 0) + 1);
    }
    for (const count of counts.values()) expect(Math.abs(count - 160)).toBeLessThan(50);
  });

  test('moves only the leases of the worker that left, and none between the others', () => {
    for (const name of names) {
      const before = winnerOf(name, ['a', 'b', 'c', 'd']);
      const after = winnerOf(name, ['a', 'b', 'd']);
      if (before === 'c') expect(after).not.toBe('c');
      else expect(after).toBe(before);
    }
  });

  test('does not depend on the order in which the workers are read', () => {
    for (const name of names) expect(winnerOf(name, ['b', 'a'])).toBe(winnerOf(name, ['a', 'b']));
  });

  test('has no winner without workers', () => {
    expect(winnerOf('part/1', [])).toBeNull();
  });
});

describe('the plan of leases', () => {
  const live = [worker('a'), worker('b'), worker('c')];

  test('lets exactly one of the live workers take a lease without an owner', () => {
    for (const name of names) {
      const takers = live.filter(
        (self) => planLeases(self, live, [lease(name, 'gone')]).take.length === 1,
      );
      expect(takers).toHaveLength(1);
    }
  });

  test('takes nothing from a worker that lives', () => {
    const leases = names.map((name) => lease(name, 'b'));
    expect(planLeases(live[0]!, live, leases).take).toEqual([]);
  });

  test('hands over to a worker that has joined only what it wins', () => {
    const leases = names.map((name) => lease(name, 'a'));
    const { handOver } = planLeases(live[0]!, live, leases);
    const expected = names.filter((name) => winnerOf(name, ['a', 'b', 'c']) !== 'a');
    expect(handOver.map(({ name }) => name)).toEqual(expected);
  });

  test('gives a lease of a newer machine to no worker with an older one, also if no other lives', () => {
    const old = [worker('a'), worker('b')];
    const leases = names.map((name) => lease(name, null, 2));
    for (const self of old) expect(planLeases(self, old, leases).take).toEqual([]);
    const mixed = [...old, worker('new', 2)];
    expect(planLeases(mixed[2]!, mixed, leases).take).toHaveLength(names.length);
    expect(planLeases(mixed[0]!, mixed, leases).take).toEqual([]);
  });
});

describe('the failure detector', () => {
  const beats = (...list: [string, number][]) => list.map(([id, beat]) => ({ id, beat }));

  test('counts the time since a beat was seen to change, from the first sight on', () => {
    const detector = createFailureDetector(2_500);
    expect(detector.observe(10_000, beats(['a', 5]))).toEqual([{ id: 'a', beat: 5, silentMs: 0 }]);
    expect(detector.observe(11_000, beats(['a', 5]))[0]!.silentMs).toBe(1_000);
    expect(detector.observe(12_000, beats(['a', 5]))[0]!.silentMs).toBe(2_000);
    expect(detector.observe(13_000, beats(['a', 6]))[0]!.silentMs).toBe(0);
  });

  test('begins again after a pause of its own, so that a stopped database makes no worker gone', () => {
    const detector = createFailureDetector(2_500);
    detector.observe(10_000, beats(['a', 5], ['b', 7]));
    detector.observe(11_000, beats(['a', 5], ['b', 7]));
    const after = detector.observe(17_000, beats(['a', 5], ['b', 7]));
    expect(after.map(({ silentMs }) => silentMs)).toEqual([0, 0]);
  });

  test('begins again for a worker that was missing in between', () => {
    const detector = createFailureDetector(2_500);
    detector.observe(10_000, beats(['a', 5]));
    detector.observe(11_000, []);
    expect(detector.observe(12_000, beats(['a', 5]))[0]!.silentMs).toBe(0);
  });

  test('knows for how long a worker is silent whose row is gone, unless it has paused itself', () => {
    const detector = createFailureDetector(2_500);
    detector.observe(10_000, beats(['a', 5]));
    detector.observe(11_000, []);
    expect(detector.silentMs(12_000, 'a')).toBe(2_000);
    expect(detector.silentMs(12_000, 'never seen')).toBe(0);
    detector.observe(17_000, []);
    expect(detector.silentMs(17_000, 'a')).toBe(0);
  });
});
