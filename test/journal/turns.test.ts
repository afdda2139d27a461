/** Who gets a turn when, and what those who wait are told of it. */
import { describe, expect, test } from 'vitest';
import { createTurns } from '../../src/journal/turns.ts';

function setUp(maxConcurrent: number) {
  const clock = { at: 0, now: () => clock.at };
  const turns = createTurns(maxConcurrent, clock);
  const enter = (jobId: string, conversation = jobId) =>
    turns.enter(jobId, conversation, () => undefined);
  /** Lets one job run for this long, so that there is a measurement. */
  const measure = (ms: number) => {
    enter('measured');
    clock.at += ms;
    turns.leave('measured');
  };
  return { clock, turns, enter, measure };
}

describe('the estimate of a job that waits for its turn', () => {
  test('is unknown while no job has been measured', () => {
    const { turns, enter } = setUp(1);
    enter('a');
    enter('b');
    expect(turns.etaMs('b')).toBeNull();
  });

  test('is what is left of those who run and the whole of those before it', () => {
    const { turns, enter, measure, clock } = setUp(1);
    measure(1_000);
    for (const job of ['a', 'b', 'c']) enter(job);
    clock.at += 400;
    expect([turns.etaMs('a'), turns.etaMs('b'), turns.etaMs('c')]).toEqual([null, 600, 1_600]);
  });

  test('counts the places that run side by side', () => {
    const { turns, enter, measure } = setUp(2);
    measure(1_000);
    for (const job of ['a', 'b', 'c', 'd', 'e']) enter(job);
    expect(['c', 'd', 'e'].map((job) => turns.etaMs(job))).toEqual([1_000, 1_000, 2_000]);
  });

  test('of a second message in one conversation waits for the first, though places are free', () => {
    const { turns, enter, measure } = setUp(3);
    measure(1_000);
    enter('a', 'kitchen');
    enter('b', 'kitchen');
    enter('c', 'kitchen');
    expect([turns.etaMs('b'), turns.etaMs('c')]).toEqual([1_000, 2_000]);
  });

  test('is never negative when a job runs longer than usual', () => {
    const { turns, enter, measure, clock } = setUp(1);
    measure(1_000);
    enter('a');
    enter('b');
    clock.at += 5_000;
    expect(turns.etaMs('b')).toBe(0);
  });
});
