/** What a gate reports to waiting callers and to subscribers, and what it measures. */
import { describe, expect, test } from 'vitest';
import type { GateObservation } from '#models/gate/gate-options';
import { deferred, setUp, yieldToEventLoop } from './gate-fixture.ts';
import { flushPromises } from './gate-world.ts';

/** A gate that has measured one request of each kind: reason 1 s, draft 4 s. */
async function measured(options: Parameters<typeof setUp>[0] = {}) {
  const set = setUp({ preemptBackground: false, ...options });
  for (const [kind, ms] of [
    ['reason', 1_000],
    ['draft', 4_000],
  ] as const) {
    const permit = await set.ask({ kind }).permit();
    set.time.advance(ms);
    permit.release({ result: 'ok' });
  }
  return set;
}

describe('queue positions', () => {
  test('a request that is granted at once receives no position', async () => {
    const { ask } = setUp();
    const asked = ask();
    await yieldToEventLoop();
    expect(asked.positions).toEqual([]);
  });

  test('a waiting request receives its position and the number ahead, and no estimate before a measurement', async () => {
    const { ask } = setUp();
    await ask().permit();
    const waiter = ask();
    await yieldToEventLoop();
    expect(waiter.positions).toEqual([{ position: 1, ahead: 1, etaMs: null }]);
  });

  test('the estimate is the rest of the running request plus the time of each request ahead, by kind', async () => {
    const { ask, askBackground, time } = await measured();
    await ask().permit();
    time.advance(300);
    const second = ask({ kind: 'draft' });
    const third = ask({ user: 'bob' });
    const draft = askBackground();
    await yieldToEventLoop();
    expect(second.positions).toEqual([{ position: 1, ahead: 1, etaMs: 700 }]);
    expect(third.positions).toEqual([{ position: 2, ahead: 2, etaMs: 4_700 }]);
    expect(draft.positions).toEqual([{ position: 3, ahead: 3, etaMs: 5_700 }]);
  });

  test('the estimate with two slots uses both slots', async () => {
    const { ask, time } = await measured({ concurrency: 2 });
    await ask().permit();
    time.advance(600);
    await ask().permit();
    const [first, second, third] = [ask(), ask(), ask()];
    await yieldToEventLoop();
    expect([first, second, third].map(({ positions }) => positions[0]?.etaMs)).toEqual([
      400, 1_000, 1_400,
    ]);
  });

  test('the estimate for a draining slot is the measured drain time', async () => {
    const { ask, time, gate } = await measured();
    const drainFor = async (ms: number) => {
      const permit = await ask().permit();
      const server = deferred();
      permit.drain(server.promise);
      time.advance(ms);
      server.resolve();
      await flushPromises();
    };
    await drainFor(200);
    expect(gate.view().drainMs).toBe(200);
    (await ask().permit()).drain(new Promise(() => {}));
    const waiter = ask();
    await yieldToEventLoop();
    expect(waiter.positions[0]?.etaMs).toBe(200);
  });

  test('a job receives no position while only the draining slot of its own earlier request is ahead', async () => {
    const { ask } = setUp();
    const permit = await ask({ jobId: 'j1' }).permit();
    const server = deferred();
    permit.drain(server.promise);
    const next = ask({ jobId: 'j1' });
    await yieldToEventLoop();
    expect(next.positions).toEqual([]);
    server.resolve();
    await next.permit();
    expect(next.positions).toEqual([]);
  });

  test('a draining request of another job, or without a job, counts as ahead', async () => {
    for (const jobId of ['j2', undefined]) {
      const { ask } = setUp();
      (await ask({ jobId }).permit()).drain(new Promise(() => {}));
      const waiter = ask({ jobId: 'j1' });
      await yieldToEventLoop();
      expect(waiter.positions).toMatchObject([{ position: 1, ahead: 1 }]);
    }
  });

  test('two requests without a job are not taken for the same job', async () => {
    const { ask } = setUp();
    (await ask().permit()).drain(new Promise(() => {}));
    const waiter = ask();
    await yieldToEventLoop();
    expect(waiter.positions).toHaveLength(1);
  });

  test('the draining slot of the own job is not counted beside another request that waits ahead', async () => {
    const { ask } = setUp();
    (await ask({ jobId: 'j1' }).permit()).drain(new Promise(() => {}));
    const other = ask({ user: 'bob', jobId: 'j2' });
    const next = ask({ user: 'ann', jobId: 'j1' });
    await yieldToEventLoop();
    expect(other.positions).toMatchObject([{ position: 1, ahead: 1 }]);
    expect(next.positions).toMatchObject([{ position: 2, ahead: 1 }]);
  });

  test('with two slots, only the slot of another job counts as ahead', async () => {
    const { ask } = setUp({ concurrency: 2 });
    (await ask({ jobId: 'j1' }).permit()).drain(new Promise(() => {}));
    await ask({ jobId: 'j2' }).permit();
    const next = ask({ jobId: 'j1' });
    await yieldToEventLoop();
    expect(next.positions).toMatchObject([{ position: 1, ahead: 1 }]);
  });

  test('a preempted draft counts the foreground request as ahead, not its own draining slot', async () => {
    const { ask, askBackground } = setUp({ preemptBackground: true });
    const draft = askBackground();
    const permit = await draft.permit();
    const person = ask();
    await yieldToEventLoop();
    void permit.requeue();
    permit.drain(new Promise(() => {}));
    await yieldToEventLoop();
    expect(person.positions.at(-1)).toMatchObject({ ahead: 1 });
    expect(draft.positions.at(-1)).toMatchObject({ position: 2, ahead: 1 });
  });

  test('a waiting request receives each new position exactly once', async () => {
    const { ask } = setUp();
    let permit = await ask().permit();
    const asked = [ask({ user: 'a' }), ask({ user: 'b' }), ask({ user: 'c' })];
    await yieldToEventLoop();
    for (const next of asked.slice(0, 2)) {
      permit.release({ result: 'ok' });
      permit = await next.permit();
      await yieldToEventLoop();
    }
    expect(asked[2]?.positions.map(({ position }) => position)).toEqual([3, 2, 1]);
  });

  test('a background request receives its new position when a foreground arrival moves it back', async () => {
    const { ask, askBackground } = setUp();
    await ask().permit();
    const draft = askBackground();
    await yieldToEventLoop();
    ask({ user: 'bob' });
    await yieldToEventLoop();
    expect(draft.positions.map(({ position }) => position)).toEqual([1, 2]);
  });

  test('a request far back in the queue receives its position at most every 250 ms', async () => {
    const { ask, time } = setUp();
    let permit = await ask().permit();
    const asked = Array.from({ length: 30 }, (_, n) => ask({ user: `u${n}` }));
    await yieldToEventLoop();
    for (const next of asked.slice(0, 10)) {
      permit.release({ result: 'ok' });
      permit = await next.permit();
      await yieldToEventLoop();
    }
    const last = asked.at(-1);
    expect(last?.positions.map(({ position }) => position)).toEqual([30]);
    time.advance(250);
    expect(last?.positions.map(({ position }) => position)).toEqual([30, 20]);
    await yieldToEventLoop();
    expect(asked[11]?.positions.map(({ position }) => position)).toEqual([12, 4, 3, 2]);
  });

  test('the estimate in a long queue continues with the average of the requests at the front', async () => {
    const { ask } = await measured({ maxQueue: 500 });
    await ask().permit();
    const asked = Array.from({ length: 200 }, (_, n) => ask({ user: `u${n}` }));
    await yieldToEventLoop();
    expect(asked[9]?.positions[0]?.etaMs).toBe(10_000);
    expect(asked[199]?.positions[0]).toEqual({ position: 200, ahead: 200, etaMs: 200_000 });
  });

  test('a request that is cancelled during the notifications receives no position', async () => {
    const { ask } = setUp();
    await ask().permit();
    const second = { cancel: () => {} };
    ask({ user: 'a', onQueued: () => second.cancel() });
    const other = ask({ user: 'b' });
    second.cancel = other.cancel;
    await yieldToEventLoop();
    expect(other.positions).toEqual([]);
  });
});

describe('the subscribers, the view and the observations of a gate', () => {
  test('a subscriber is notified once per turn of the event loop until it unsubscribes', async () => {
    const { ask, gate } = setUp();
    let heard = 0;
    const end = gate.subscribe(() => (heard += 1));
    for (let n = 0; n < 50; n += 1) ask({ user: `u${n}` });
    await yieldToEventLoop();
    expect(heard).toBe(1);
    end();
    ask();
    await yieldToEventLoop();
    expect(heard).toBe(1);
  });

  test('the view lists running and waiting requests, counters and measured times', async () => {
    const { ask, askBackground, gate, time } = await measured();
    await ask({ user: 'ann' }).permit();
    time.advance(100);
    askBackground();
    ask({ user: 'bob', kind: 'ask' });
    time.advance(50);
    expect(gate.view()).toEqual({
      id: 'test',
      state: 'running',
      circuit: 'closed',
      nextProbeAt: null,
      concurrency: 1,
      maxQueue: 64,
      running: [
        {
          fence: 3,
          phase: 'running',
          kind: 'reason',
          priority: 'foreground',
          user: 'ann',
          preemptions: 0,
          heldMs: 150,
        },
      ],
      waiting: [
        // The estimate of a kind without a measurement is the average of all: 1 s, then 0.3 of the way to 4 s.
        {
          kind: 'ask',
          priority: 'foreground',
          user: 'bob',
          preemptions: 0,
          waitedMs: 50,
          position: 1,
          ahead: 1,
          etaMs: 850,
        },
        {
          kind: 'draft',
          priority: 'background',
          user: 'drafts',
          preemptions: 0,
          waitedMs: 50,
          position: 2,
          ahead: 2,
          etaMs: 2_750,
        },
      ],
      waitingByClass: { foreground: 1, background: 1 },
      counters: {
        grants: 3,
        preemptions: 0,
        overtakes: 0,
        expiredLeases: 0,
        refusals: { queue_full: 0, deadline: 0, breaker_open: 0, cancelled: 0 },
      },
      serviceMs: { reason: 1_000, draft: 4_000 },
      drainMs: null,
    });
  });

  test('onObserve receives each queue wait, each service time and each drain', async () => {
    const seen: GateObservation[] = [];
    const { ask, time } = setUp({ onObserve: (observation) => seen.push(observation) });
    const first = await ask({ kind: 'classify' }).permit();
    const second = ask();
    time.advance(250);
    first.release({ result: 'failed' });
    (await second.permit()).drain(new Promise(() => {}));
    time.advance(1_000);
    expect(seen).toEqual([
      { type: 'queueWait', priority: 'foreground', kind: 'classify', ms: 0 },
      { type: 'service', kind: 'classify', result: 'failed', ms: 250 },
      { type: 'queueWait', priority: 'foreground', kind: 'reason', ms: 250 },
      { type: 'drain', ms: 1_000, timedOut: true },
    ]);
  });

  test('a failed request does not count for the measured service time', async () => {
    const { ask, gate, time } = setUp();
    const permit = await ask().permit();
    time.advance(10);
    permit.release({ result: 'failed' });
    expect(gate.view().serviceMs).toEqual({});
  });
});
