/** The promises G7 to G9 of docs/gate.md and the stop of a gate, on the live gate under virtual time. */
import { describe, expect, test } from 'vitest';
import { setDeadline } from '#models/gate/permit-holder';
import { GateActor } from '#models/gate/gate';
import type { GateRequest } from '#models/gate/gate-types';
import { systemClock } from '#shared/clock';
import { setUp, yieldToEventLoop } from './gate-fixture.ts';
import { flushPromises } from './gate-world.ts';
import { VirtualTime } from './virtual-time.ts';

describe('G7 bounded queue', () => {
  test('a request beyond maxQueue is refused with the time until a place is free', async () => {
    const { ask, time } = setUp({ maxQueue: 1 });
    const first = await ask().permit();
    time.advance(400);
    first.release({ result: 'ok' });
    await ask().permit();
    ask();
    time.advance(100);
    expect(await ask().currentResult()).toEqual({
      ok: false,
      errorReason: 'queue_full',
      retryAfterMs: 300,
    });
  });

  test('a request beyond maxQueue is refused with retryAfterMs null before any measurement', async () => {
    const { ask } = setUp({ maxQueue: 0 });
    await ask().permit();
    expect(await ask().currentResult()).toEqual({
      ok: false,
      errorReason: 'queue_full',
      retryAfterMs: null,
    });
  });

  test('a preempted request is admitted again even if the queue is full', async () => {
    const { ask, askBackground } = setUp({ maxQueue: 1 });
    const draft = await askBackground().permit();
    const person = ask();
    const again = draft.requeue();
    draft.drain(Promise.resolve());
    (await person.permit()).release({ result: 'ok' });
    expect((await again).ok).toBe(true);
  });
});

describe('G8 deadlines', () => {
  test('a waiting request is refused when its deadline passes', async () => {
    const { ask, time } = setUp();
    await ask().permit();
    const waiter = ask({ deadlineAt: time.now() + 500 });
    time.advance(499);
    expect(await waiter.currentResult()).toBeNull();
    time.advance(1);
    expect(await waiter.currentResult()).toMatchObject({ errorReason: 'deadline' });
  });

  test('a request whose deadline has already passed is refused at once, even if a slot is free', async () => {
    const { ask, time } = setUp();
    expect(await ask({ deadlineAt: time.now() }).currentResult()).toMatchObject({
      errorReason: 'deadline',
    });
  });

  test('a slot is never granted to a request past its deadline, even if the deadline timer fires late', async () => {
    const { ask, time } = setUp();
    const first = await ask().permit();
    const late = ask({ deadlineAt: time.now() + 500 });
    const next = ask({ user: 'bob' });
    time.advanceWithoutTimers(600);
    first.release({ result: 'ok' });
    expect(await late.currentResult()).toMatchObject({ errorReason: 'deadline' });
    expect((await next.currentResult())?.ok).toBe(true);
  });

  test.each([-3_600_000, 3_600_000])(
    'setting the wall clock by %d ms moves no deadline',
    async (ms) => {
      const { ask, time } = setUp();
      await ask().permit();
      const waiter = ask({ deadlineAt: time.now() + 500 });
      time.shiftWallClock(ms);
      const later = ask({ deadlineAt: time.now() + 700 });
      time.advance(499);
      expect(await waiter.currentResult()).toBeNull();
      time.advance(1);
      expect(await waiter.currentResult()).toMatchObject({ errorReason: 'deadline' });
      time.advance(199);
      expect(await later.currentResult()).toBeNull();
      time.advance(1);
      expect(await later.currentResult()).toMatchObject({ errorReason: 'deadline' });
    },
  );

  test('a deadline beyond the longest timer delay does not fire early', () => {
    const time = new VirtualTime();
    const rung: number[] = [];
    const dueAt = time.now() + 40 * 86_400_000;
    setDeadline(time, time.now, dueAt, (at) => rung.push(at));
    time.advance(39 * 86_400_000);
    expect(rung).toEqual([]);
    time.advance(86_400_000);
    expect(rung).toEqual([dueAt]);
  });

  test('a deadline timer that fires 1 ms early is set again', () => {
    const time = new VirtualTime();
    const rung: number[] = [];
    const dueAt = time.now() + 100;
    setDeadline(
      time,
      () => time.now() - 1,
      dueAt,
      (at) => rung.push(at),
    );
    time.advance(100);
    expect(rung).toEqual([]);
    time.advance(1);
    expect(rung).toEqual([dueAt]);
    expect(time.pending).toBe(0);
  });
});

describe('G9 circuit', () => {
  async function failTwice(gate: ReturnType<typeof setUp>): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      (await gate.ask().permit()).release({ result: 'unreachable' });
    }
  }
  const breaker = { failures: 2, probeBackoffMs: 100, probeBackoffMaxMs: 400, probeBoundMs: 1_000 };

  test('an open circuit refuses waiting and new requests at once, with the time until the next probe', async () => {
    const set = setUp({ breaker: { ...breaker, failures: 1 } });
    const first = await set.ask().permit();
    const waiter = set.ask();
    first.release({ result: 'unreachable' });
    expect(await waiter.currentResult()).toEqual({
      ok: false,
      errorReason: 'breaker_open',
      retryAfterMs: 100,
    });
    set.time.advance(30);
    expect(await set.ask().currentResult()).toEqual({
      ok: false,
      errorReason: 'breaker_open',
      retryAfterMs: 70,
    });
    expect(set.gate.view()).toMatchObject({ state: 'down', circuit: 'open' });
  });

  test('an answer with an error resets the count of connect failures, so the circuit stays closed', async () => {
    const set = setUp({ breaker });
    (await set.ask().permit()).release({ result: 'unreachable' });
    (await set.ask().permit()).release({ result: 'failed' });
    (await set.ask().permit()).release({ result: 'unreachable' });
    expect(set.gate.view().state).toBe('idle');
  });

  test('the delay between probes doubles up to its maximum, and a successful probe closes the circuit', async () => {
    const set = setUp({ breaker });
    await failTwice(set);
    const distances: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const from = set.time.now();
      while (set.probes.length === round) {
        set.time.advance(50);
        await flushPromises();
      }
      distances.push(set.time.now() - from);
      expect(set.gate.view().circuit).toBe('half-open');
      set.probes[round]?.(round === 3);
      await flushPromises();
    }
    expect(distances).toEqual([100, 200, 400, 400]);
    expect((await set.ask().currentResult())?.ok).toBe(true);
  });

  test('a probe that hangs or throws counts as failed', async () => {
    let calls = 0;
    const set = setUp({
      breaker,
      probe: () => {
        calls += 1;
        if (calls === 1) throw new Error('no route');
        return new Promise(() => {});
      },
    });
    await failTwice(set);
    set.time.advance(100);
    await flushPromises();
    expect(set.gate.view().circuit).toBe('open');
    set.time.advance(200);
    await flushPromises();
    expect(set.gate.view().circuit).toBe('half-open');
    set.time.advance(1_000);
    expect(set.gate.view().circuit).toBe('open');
  });

  test('the view shows the time of the next probe by the wall clock, also after the clock was set', async () => {
    const set = setUp({ breaker: { ...breaker, failures: 1 } });
    set.time.shiftWallClock(-3_600_000);
    (await set.ask().permit()).release({ result: 'unreachable' });
    set.time.advance(40);
    expect(set.gate.view().nextProbeAt).toBe(set.time.now() + 60);
    expect(await set.ask().currentResult()).toMatchObject({ retryAfterMs: 60 });
  });

  test('a request that runs when the circuit opens continues to its end', async () => {
    const set = setUp({ concurrency: 2, breaker: { ...breaker, failures: 1 } });
    const long = await set.ask().permit();
    (await set.ask().permit()).release({ result: 'unreachable' });
    expect(long.signal.aborted).toBe(false);
    set.time.advance(100);
    await flushPromises();
    set.probes[0]?.(true);
    await flushPromises();
    expect(set.gate.view()).toMatchObject({ state: 'running', circuit: 'closed' });
    long.release({ result: 'ok' });
    expect(set.gate.view().state).toBe('idle');
  });
});

describe('the stop of a gate', () => {
  test('refuses waiting and new requests as cancelled, and leaves no timer', async () => {
    const { ask, gate, time } = setUp();
    const holder = ask();
    const permit = await holder.permit();
    const waiter = ask({ deadlineAt: time.now() + 500 });
    gate.stop();
    gate.stop();
    expect(await waiter.currentResult()).toMatchObject({ errorReason: 'cancelled' });
    expect(await ask().currentResult()).toMatchObject({ errorReason: 'cancelled' });
    expect(time.pending).toBe(0);
    expect(gate.view().state).toBe('stopped');
    expect(permit.signal.aborted).toBe(false);
  });

  test('leaves a permit in use: the cancel of its caller still aborts it', async () => {
    const { ask, gate } = setUp();
    const holder = ask();
    const permit = await holder.permit();
    gate.stop();
    holder.cancel();
    expect(permit.signal.reason).toBe('cancelled');
    permit.release({ result: 'failed' });
  });

  test('during a probe leaves no timer', async () => {
    const { ask, gate, time } = setUp({ breaker: { failures: 1, probeBackoffMs: 10 } });
    (await ask().permit()).release({ result: 'unreachable' });
    time.advance(10);
    await flushPromises();
    gate.stop();
    await yieldToEventLoop();
    expect(time.pending).toBe(0);
  });
});

test('GateActor throws a RangeError if concurrency, maxQueue or breaker.failures is out of range', () => {
  expect(() => setUp({ concurrency: 0 })).toThrow(RangeError);
  expect(() => setUp({ maxQueue: -1 })).toThrow(RangeError);
  expect(() => setUp({ breaker: { failures: 0 } })).toThrow(RangeError);
});

test('a gate with the real clock and real timers refuses a request whose deadline passes', async () => {
  const gate = new GateActor({
    id: 'real',
    concurrency: 1,
    clock: systemClock,
    probe: () => Promise.resolve(true),
  });
  const request: GateRequest = {
    kind: 'answer',
    priority: 'foreground',
    user: 'ann',
    preemptible: false,
    signal: new AbortController().signal,
    deadlineAt: null,
    onQueued: () => {},
  };
  const first = await gate.acquire(request);
  expect(first.ok).toBe(true);
  const late = await gate.acquire({ ...request, deadlineAt: systemClock.now() + 5 });
  gate.stop();
  expect(late).toEqual({ ok: false, errorReason: 'deadline', retryAfterMs: null });
});
