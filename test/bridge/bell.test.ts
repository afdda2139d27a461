/** The wait that every loop of the bridge stands in for weeks. */
import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { createBell } from '../../src/bridge/bell.ts';

test('a wait leaves nothing on the signal, whatever ended it', async () => {
  const { signal } = new AbortController();
  const bell = createBell();
  for (let round = 0; round < 3; round += 1) {
    const waiting = bell.wait(Number.POSITIVE_INFINITY, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    bell.ring();
    await waiting;
    await bell.wait(1, signal);
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('an abort ends the wait', async () => {
  const stopping = new AbortController();
  const waiting = createBell().wait(Number.POSITIVE_INFINITY, stopping.signal);
  stopping.abort();
  await waiting;
  expect(getEventListeners(stopping.signal, 'abort')).toEqual([]);
});
