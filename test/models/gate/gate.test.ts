/** The promises G1 to G6 and G10 of docs/gate.md, one behaviour at a time, on the live gate under virtual time. */
import { describe, expect, test } from 'vitest';
import type { Permit } from '#models/gate/gate-types';
import { deferred, setUp } from './gate-fixture.ts';
import type { AcquireHandle } from './gate-fixture.ts';
import { flushPromises } from './gate-world.ts';

describe('G1 mutual exclusion', () => {
  test('a second request waits until the first has ended', async () => {
    const { ask } = setUp();
    const first = await ask().permit();
    const second = ask();
    expect(await second.currentResult()).toBeNull();
    first.release({ result: 'ok' });
    expect((await second.permit()).fence).toBeGreaterThan(first.fence);
  });

  test('with concurrency 3, three requests run at once and the fourth waits', async () => {
    const { ask, gate } = setUp({ concurrency: 3 });
    const all = [ask(), ask(), ask(), ask()];
    await flushPromises();
    expect(gate.view().running.length).toBe(3);
    expect(await all[3]?.currentResult()).toBeNull();
  });

  test('release and drain of a stale permit free no slot', async () => {
    const { ask, gate, time } = setUp();
    const first = ask();
    const stale = await first.permit();
    first.cancel();
    time.advance(1_000);
    const second = await ask().permit();
    stale.release({ result: 'ok' });
    stale.drain(Promise.resolve());
    await flushPromises();
    expect(gate.view().running.map(({ fence }) => fence)).toEqual([second.fence]);
  });

  test('release after drain does not free a slot that still drains', async () => {
    const { ask, gate } = setUp();
    const permit = await ask().permit();
    const server = deferred();
    permit.drain(server.promise);
    permit.release({ result: 'ok' });
    expect(gate.view().state).toBe('draining');
    server.resolve();
    await flushPromises();
    expect(gate.view().state).toBe('idle');
  });
});

describe('G10 speculative requests', () => {
  const speculative = { speculative: true };

  test('take a free slot, or are refused, and count in no metric', async () => {
    const { ask, gate } = setUp();
    await ask(speculative).permit();
    expect(await ask(speculative).currentResult()).toMatchObject({ errorReason: 'queue_full' });
    const { grants, refusals } = gate.view().counters;
    expect([grants, refusals.queue_full]).toEqual([0, 0]);
  });

  test('are aborted by a background request, and by one that comes back after a preemption', async () => {
    const { ask, askBackground, gate } = setUp();
    const early = await ask(speculative).permit();
    const draft = askBackground();
    expect(early.signal.reason).toBe('preempted');
    early.drain(Promise.resolve());
    const permit = await draft.permit();
    const person = ask();
    permit.drain(Promise.resolve());
    (await person.permit()).release({ result: 'ok' });
    const late = await ask(speculative).permit();
    const again = permit.requeue();
    expect(late.signal.reason).toBe('preempted');
    late.drain(Promise.resolve());
    expect((await again).ok).toBe(true);
    expect(gate.view().counters).toMatchObject({ grants: 3, preemptions: 1 });
  });

  test('keep their slot once they are adopted, and count from then on', async () => {
    const { ask, gate } = setUp();
    const early = await ask(speculative).permit();
    early.adopt();
    const person = ask();
    expect(await person.currentResult()).toBeNull();
    expect(early.signal.aborted).toBe(false);
    early.release({ result: 'ok' });
    expect((await person.currentResult())?.ok).toBe(true);
    expect(gate.view().counters.grants).toBe(2);
  });
});

describe('G2 no lost wake-up', () => {
  test('a slot whose drain promise rejects is granted to the next request', async () => {
    const { ask } = setUp();
    const first = await ask().permit();
    const second = ask();
    const server = deferred();
    first.drain(server.promise);
    server.reject();
    expect((await second.currentResult())?.ok).toBe(true);
  });

  test('a request made in the abort handler of another request is served', async () => {
    const { ask } = setUp();
    const first = ask();
    const permit = await first.permit();
    let inner: ReturnType<typeof ask> | undefined;
    permit.signal.addEventListener('abort', () => {
      inner = ask();
      permit.release({ result: 'failed' });
    });
    first.cancel();
    expect((await inner?.currentResult())?.ok).toBe(true);
  });
});

describe('G3 and G4 order', () => {
  /** Lets all waiting requests run one after another, and returns their names in that order. */
  async function runAll(
    set: ReturnType<typeof setUp>,
    first: Permit,
    asked: Record<string, AcquireHandle>,
  ) {
    const order: string[] = [];
    let permit = first;
    for (const [name, { result: answer }] of Object.entries(asked)) {
      void answer.then((given) => {
        order.push(name);
        if (given.ok) ({ permit } = given);
        return given;
      });
    }
    while (set.gate.view().running.length > 0) {
      permit.release({ result: 'ok' });
      await flushPromises();
    }
    return order;
  }

  test('foreground requests go before background requests, each class in order of arrival', async () => {
    const set = setUp();
    const first = await set.ask().permit();
    const b1 = set.askBackground({ user: 'm1' });
    const b2 = set.askBackground({ user: 'm2' });
    const f1 = set.ask({ user: 'u1' });
    const f2 = set.ask({ user: 'u2' });
    expect(await runAll(set, first, { b1, b2, f1, f2 })).toEqual(['f1', 'f2', 'b1', 'b2']);
    expect(set.gate.view().counters.overtakes).toBe(2);
  });

  test('a second request of one user goes behind the first request of another user', async () => {
    const set = setUp();
    const first = await set.ask().permit();
    const a1 = set.ask({ user: 'ann' });
    const a2 = set.ask({ user: 'ann' });
    set.time.advance(1_000);
    const b1 = set.ask({ user: 'bob' });
    expect(await runAll(set, first, { a1, a2, b1 })).toEqual(['a1', 'b1', 'a2']);
  });

  test('background work goes before foreground requests that arrive more than agingMs after it', async () => {
    const set = setUp({ agingMs: 1_000 });
    const first = await set.ask().permit();
    const draft = set.askBackground();
    set.time.advance(1_000);
    const early = set.ask({ user: 'u1' });
    set.time.advance(1);
    const late = set.ask({ user: 'u2' });
    expect(await runAll(set, first, { draft, early, late })).toEqual(['early', 'draft', 'late']);
    expect(set.gate.view().counters.overtakes).toBe(1);
  });

  describe.each([-3_600_000, 3_600_000])('setting the wall clock by %d ms', (ms) => {
    test('changes neither the order of the queue nor the aging of background work', async () => {
      const set = setUp({ agingMs: 1_000 });
      const first = await set.ask().permit();
      const draft = set.askBackground();
      const early = set.ask({ user: 'u1' });
      set.time.shiftWallClock(ms);
      const next = set.ask({ user: 'u2' });
      set.time.advance(1_001);
      const late = set.ask({ user: 'u3' });
      expect(await runAll(set, first, { draft, early, next, late })).toEqual([
        'early',
        'next',
        'draft',
        'late',
      ]);
    });

    test('changes no measured time and no estimate', async () => {
      const { ask, gate, time } = setUp();
      time.shiftWallClock(ms);
      const first = await ask().permit();
      time.advance(500);
      first.release({ result: 'ok' });
      expect(gate.view().serviceMs).toEqual({ reason: 500 });
      const second = await ask().permit();
      time.advance(100);
      const waiter = ask();
      time.advance(100);
      expect(gate.view()).toMatchObject({ running: [{ heldMs: 200 }], waiting: [{ etaMs: 300 }] });
      second.release({ result: 'ok' });
      expect((await waiter.permit()).queuedMs).toBe(100);
    });
  });
});

describe('G5 cancellation', () => {
  test('a waiting request that is cancelled leaves the queue in the same tick and is refused', async () => {
    const { ask, gate } = setUp();
    await ask().permit();
    const waiter = ask();
    waiter.cancel();
    expect(gate.view().waiting).toEqual([]);
    expect(await waiter.currentResult()).toEqual({
      ok: false,
      errorReason: 'cancelled',
      retryAfterMs: null,
    });
  });

  test('a request whose signal is already aborted is refused and never granted', async () => {
    const { ask, gate } = setUp();
    expect(await ask({ signal: AbortSignal.abort() }).currentResult()).toMatchObject({
      errorReason: 'cancelled',
    });
    expect(gate.view().counters.grants).toBe(0);
  });

  test('the cancel of a running request aborts its permit at once, and its slot drains', async () => {
    const { ask, gate } = setUp();
    const asked = ask();
    const permit = await asked.permit();
    asked.cancel();
    expect(permit.signal.reason).toBe('cancelled');
    expect(gate.view().state).toBe('draining');
  });

  test('the slot of a cancelled request is free when its drain promise resolves', async () => {
    const { ask, time } = setUp();
    const first = ask();
    const permit = await first.permit();
    const second = ask();
    const server = deferred();
    permit.signal.addEventListener('abort', () => permit.drain(server.promise));
    first.cancel();
    time.advance(200);
    expect(await second.currentResult()).toBeNull();
    server.resolve();
    expect((await second.permit()).queuedMs).toBe(200);
  });

  test('a holder that does not react to a cancel loses its slot after one second', async () => {
    const { ask, time } = setUp();
    const first = ask();
    await first.permit();
    const second = ask();
    first.cancel();
    time.advance(999);
    expect(await second.currentResult()).toBeNull();
    time.advance(1);
    expect((await second.currentResult())?.ok).toBe(true);
  });

  test('a holder that never ends loses its slot after leaseMs and the drain', async () => {
    const { ask, time, gate } = setUp({ leaseMs: 5_000, drainBoundMs: 100 });
    const lost = await ask().permit();
    const second = ask();
    time.advance(5_000);
    expect(lost.signal.reason).toBe('expired');
    time.advance(100);
    expect((await second.currentResult())?.ok).toBe(true);
    expect(gate.view().counters.expiredLeases).toBe(1);
  });
});

describe('G6 preemption', () => {
  test('a foreground request aborts a running draft, which queues again at its old position', async () => {
    const { ask, askBackground, gate } = setUp();
    const draft = await askBackground().permit();
    const laterDraft = askBackground({ user: 'other' });
    const person = ask();
    expect(draft.signal.reason).toBe('preempted');
    const again = draft.requeue();
    draft.drain(Promise.resolve());
    const permit = await person.permit();
    expect(gate.view().waiting.map(({ user }) => user)).toEqual(['drafts', 'other']);
    permit.release({ result: 'ok' });
    const answer = await again;
    expect(answer.ok).toBe(true);
    expect(await laterDraft.currentResult()).toBeNull();
    expect(gate.view().counters.preemptions).toBe(1);
  });

  test('a preempted request may queue again after its slot has drained', async () => {
    const { ask, askBackground } = setUp();
    const draft = await askBackground().permit();
    const person = ask();
    draft.drain(Promise.resolve());
    const permit = await person.permit();
    const again = draft.requeue();
    permit.release({ result: 'ok' });
    expect((await again).ok).toBe(true);
  });

  test('requeue of a permit that was not preempted throws', async () => {
    const { ask } = setUp();
    const permit = await ask().permit();
    expect(() => permit.requeue()).toThrow('was not preempted');
  });

  test('one foreground request preempts one draft, not two', async () => {
    const { ask, askBackground, gate } = setUp({ concurrency: 2 });
    const older = await askBackground().permit();
    const younger = await askBackground({ user: 'other' }).permit();
    ask();
    expect([older.signal.aborted, younger.signal.aborted]).toEqual([false, true]);
    ask({ user: 'bob' });
    expect(older.signal.aborted).toBe(true);
    ask({ user: 'cho' });
    expect(gate.view().counters.preemptions).toBe(2);
  });

  test('a draft that was preempted maxPreemptions times is left to finish', async () => {
    const { ask, askBackground } = setUp({ maxPreemptions: 2 });
    let draft = await askBackground().permit();
    for (let round = 0; round < 2; round += 1) {
      const person = ask();
      const again = draft.requeue();
      draft.drain(Promise.resolve());
      (await person.permit()).release({ result: 'ok' });
      const answer = await again;
      if (!answer.ok) throw new Error(answer.errorReason);
      draft = answer.permit;
    }
    ask();
    expect(draft.signal.aborted).toBe(false);
  });

  test('a request is not preempted if it is not preemptible or if preemptBackground is off', async () => {
    const plain = setUp();
    const kept = await plain.askBackground({ preemptible: false }).permit();
    plain.ask();
    expect(kept.signal.aborted).toBe(false);
    const off = setUp({ preemptBackground: false });
    const draft = await off.askBackground().permit();
    off.ask();
    expect(draft.signal.aborted).toBe(false);
  });

  test('a preempted request that is cancelled before it queues again is refused as cancelled', async () => {
    const { ask, askBackground } = setUp();
    const asked = askBackground();
    const draft = await asked.permit();
    ask();
    asked.cancel();
    expect(await draft.requeue()).toMatchObject({ errorReason: 'cancelled' });
  });
});
