/** The wait of every loop of the bridge, which runs for weeks. */
import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { createWakeSignal } from '#channels/wake-signal';

test('a wait that was notified or timed out leaves no listener on the abort signal', async () => {
  const { signal } = new AbortController();
  const wakeSignal = createWakeSignal();
  for (let round = 0; round < 3; round += 1) {
    const waiting = wakeSignal.wait(Number.POSITIVE_INFINITY, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    wakeSignal.notify();
    await waiting;
    await wakeSignal.wait(1, signal);
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('an abort ends the wait and leaves no listener on the abort signal', async () => {
  const stopping = new AbortController();
  const waiting = createWakeSignal().wait(Number.POSITIVE_INFINITY, stopping.signal);
  stopping.abort();
  await waiting;
  expect(getEventListeners(stopping.signal, 'abort')).toEqual([]);
});
