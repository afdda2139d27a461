/** Limits derived from `timeoutsMs.total`: no other limit may end a request earlier, or when the total is off. */
import { afterEach, expect, test, vi } from 'vitest';
import { openCore, routed, type CoreFixture } from '#test/support/core';

let fixture: CoreFixture;
afterEach(async () => {
  vi.restoreAllMocks();
  await fixture.close();
});

const minute = 60_000;
const day = 24 * 60 * minute;

/** The timers of ten minutes and more that a job sets whose reasoner has this total limit; in minutes. */
async function longTimersOf(total: number): Promise<number[]> {
  const set = vi.spyOn(globalThis, 'setTimeout');
  fixture = await openCore((small, large) => ({
    backends: [
      { id: 'small', baseUrl: small.baseUrl, model: 'm' },
      { id: 'large', baseUrl: large.baseUrl, model: 'm', timeoutsMs: { total } },
    ],
  }));
  fixture.small.script(routed);
  const { end } = await fixture.ask('explain quantum physics');
  expect(end.data).toMatchObject({ outcome: 'answered' });
  // Rounded up: some of the time limit of the job has already passed.
  const minutes = set.mock.calls.map(([, delayMs = 0]) => Math.ceil(delayMs / minute));
  return minutes.filter((long) => long >= 10).toSorted((a, b) => a - b);
}

/** The limits of the request and of the slot of the classifier, in minutes. */
const small = [10, 15];

test.each([60 * minute, day])(
  'a total of %d ms ends a request before the limit of its job, and this limit comes before the lease of its slot',
  async (total) => {
    const own = total / minute;
    expect(await longTimersOf(total)).toEqual([...small, own, own + 1, own + 5]);
  },
);

test('without a total limit a request and its slot have no limit, and the limit of its job is a day', async () => {
  expect(await longTimersOf(0)).toEqual([...small, day / minute]);
});
