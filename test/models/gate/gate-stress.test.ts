/**
 * Goal: thousands of requests that arrive, wait and leave in any order each end exactly once and leave nothing
 * behind. Method: one live gate with 10 000 waiting requests and up to 2 000 later arrivals, a seeded order of
 * arrivals, ends and cancels, and counts that are taken outside the gate.
 */
import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AcquireResult, Permit } from '#models/gate/gate-types';
import { setUp, yieldToEventLoop } from './gate-fixture.ts';

const initialWaiters = 10_000;
const lateArrivals = 2_000;

test('ten thousand waiting requests in random order each end exactly once and leave no timer, listener or slot', async () => {
  const { gate, time } = setUp({ concurrency: 2, maxQueue: initialWaiters, maxPreemptions: 1 });
  const [random] = fc.sample(fc.infiniteStream(fc.nat(1_000_000)), { numRuns: 1, seed: 42 });
  const draw = (below: number): number => (random?.next().value ?? 0) % below;
  const ends: number[] = [];
  const controllers: AbortController[] = [];
  let held: { id: number; permit: Permit }[] = [];

  const end = (id: number): void => {
    ends[id] = (ends[id] ?? 0) + 1;
  };
  const awaitResult = async (id: number, answer: Promise<AcquireResult>): Promise<void> => {
    const given = await answer;
    if (!given.ok) return end(id);
    const { permit } = given;
    held.push({ id, permit });
    const onAbort = (): void => {
      held = held.filter((holder) => holder.permit !== permit);
      permit.drain(Promise.resolve());
      if (permit.signal.reason === 'preempted') void awaitResult(id, permit.requeue());
      else end(id);
    };
    if (permit.signal.aborted) onAbort();
    else permit.signal.addEventListener('abort', onAbort);
  };
  const arrive = (): void => {
    const id = controllers.length;
    const controller = new AbortController();
    controllers.push(controller);
    ends.push(0);
    const answer = gate.acquire({
      kind: 'reason',
      priority: draw(3) === 0 ? 'background' : 'foreground',
      user: `u${draw(500)}`,
      preemptible: true,
      signal: controller.signal,
      deadlineAt: draw(10) === 0 ? time.now() + 1 + draw(50_000) : null,
      onQueued: () => {},
    });
    void awaitResult(id, answer);
  };
  const finishOne = (): void => {
    const [holder] = held.splice(draw(Math.max(1, held.length)), 1);
    if (holder === undefined) return;
    end(holder.id);
    holder.permit.release({ result: 'ok' });
  };

  while (controllers.length < initialWaiters) arrive();
  expect(gate.view().waiting.length).toBe(initialWaiters - 2);
  for (let step = 0; gate.view().running.length > 0; step += 1) {
    for (let burst = 0; burst < 100; burst += 1) {
      if (draw(3) === 0) controllers[draw(controllers.length)]?.abort();
      if (draw(3) === 0 && controllers.length < initialWaiters + lateArrivals) arrive();
      finishOne();
      await yieldToEventLoop();
    }
    time.advance(100);
    expect(step).toBeLessThan(1_000);
  }

  expect(ends.filter((count) => count !== 1)).toEqual([]);
  expect(gate.view()).toMatchObject({ state: 'idle', waiting: [], running: [] });
  const { grants, preemptions, refusals } = gate.view().counters;
  expect(grants - preemptions + refusals.cancelled + refusals.deadline + refusals.queue_full).toBe(
    controllers.length,
  );
  const listeners = controllers.map(({ signal }) => getEventListeners(signal, 'abort').length);
  expect(Math.max(...listeners)).toBe(0);
  expect(time.pending).toBe(0);
});
