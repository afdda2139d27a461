import { expect, test } from 'vitest';
import { createPlacePace } from '#channels/outbox/place-pace';

const room = { place: 'room', minIntervalMs: 1_000, perMinute: 3 };
const direct = { place: 'kim', minIntervalMs: 1_000, perMinute: 0 };

test('a place waits for its own interval, its posts per minute and its pause; other places do not', () => {
  let now = 0;
  const pace = createPlacePace(() => now);
  expect(pace.waitMs(room)).toBe(0);
  pace.record(room);
  expect([pace.waitMs(room), pace.waitMs(direct)]).toEqual([1_000, 0]);
  now = 400;
  expect(pace.waitMs(room)).toBe(600);
  for (now of [1_000, 2_000]) pace.record(room);
  now = 3_000;
  // Three posts in the first seconds: the next token comes after a third of a minute.
  expect(Math.round(pace.waitMs(room) / 100)).toBe(170);
  pace.pause(direct, 5_000);
  pace.record(direct);
  expect(pace.waitMs(direct)).toBe(5_000);
  now = 20_001;
  expect([pace.waitMs(room), pace.waitMs(direct)]).toEqual([0, 0]);
});
