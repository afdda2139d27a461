/** Who gets a turn when, and what those who wait are told of it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createQueueLimits, type QueueLimits } from '#jobs/runtime/queue-limits';
import { createJobScheduler } from '#jobs/runtime/job-scheduler';
import { referenceScheduler } from './reference-scheduler.ts';

function setUp(maxConcurrent: number) {
  const clock = { at: 0, now: () => clock.at };
  const turns = createJobScheduler(maxConcurrent, clock);
  const enter = (jobId: string, conversation = jobId) =>
    turns.enqueue({ jobId, conversation, userId: 'ann' }, () => undefined);
  /** Lets one job run for this long, so that there is a measurement. */
  const measure = (ms: number) => {
    enter('measured');
    clock.at += ms;
    turns.release('measured');
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

type Step = { does: 'enter' | 'hold'; conversation: number } | { does: 'leave'; job: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ does: fc.constant('enter'), conversation: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('hold'), conversation: fc.nat(5) }) },
    { weight: 3, arbitrary: fc.record({ does: fc.constant('leave'), job: fc.nat(60) }) },
  ) as fc.Arbitrary<Step>,
  { maxLength: 80 },
);

describe('the line of those who wait', () => {
  test('is that of a list that is walked, whatever happens in whichever order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), steps, (maxConcurrent, history) => {
        const model = referenceScheduler(maxConcurrent);
        const { turns } = setUp(maxConcurrent);
        const started: string[] = [];
        history.forEach((step, index) => {
          const jobId = `job-${index}`;
          if (step.does === 'leave') {
            model.release(`job-${step.job}`);
            turns.release(`job-${step.job}`);
          } else {
            const conversation = `c${step.conversation}`;
            const userId = `u${step.conversation % 2}`;
            if (step.does === 'hold') {
              model.adopt(jobId, conversation);
              turns.adopt(jobId, conversation);
            } else {
              model.enqueue(jobId, conversation, userId);
              turns.enqueue({ jobId, conversation, userId }, () => void started.push(jobId));
            }
          }
          expect(started).toEqual(model.started);
          const line = model.waiters.map((one) => one.jobId);
          expect([...turns.waiters()].map((one) => one.jobId)).toEqual(line);
          expect(line.map((one) => turns.position(one))).toEqual(line.map((_, at) => at + 1));
          expect(turns.running).toBe(model.holders.length);
          for (const userId of ['u0', 'u1']) {
            const mine = model.waiters.filter((one) => one.userId === userId);
            expect(turns.waitingOf(userId)).toBe(mine.length);
          }
        });
      }),
    );
  });

  test('tells those far back what the first of them lead it to expect', () => {
    const { turns, enter, measure } = setUp(1);
    measure(1_000);
    for (let n = 0; n <= 1_000; n += 1) enter(`job-${n}`);
    expect(turns.position('job-1000')).toBe(1_000);
    expect(turns.etaMs('job-1000')).toBe(1_000_000);
  });

  test('of twenty thousand in one conversation goes on one by one', () => {
    // A list that is walked for each of them takes longer than a test may.
    const { turns } = setUp(2);
    const count = 20_000;
    const started: number[] = [];
    for (let n = 0; n < count; n += 1) {
      const waiter = { jobId: `job-${n}`, conversation: 'kitchen', userId: 'ann' };
      turns.enqueue(waiter, () => void started.push(n));
      turns.position(`job-${n}`);
      turns.etaMs(`job-${n}`);
    }
    for (let n = 0; n < count; n += 1) turns.release(`job-${n}`);
    expect(started).toEqual(Array.from({ length: count }, (_, n) => n));
    expect(turns).toMatchObject({ waiting: 0, running: 0 });
  });
});

describe('what one user may have waiting', () => {
  const open = (maxQueued: number) => {
    const { turns, enter } = setUp(1);
    enter('runs');
    return { turns, admission: createQueueLimits(turns, { maxQueued, maxConcurrent: 1 }) };
  };
  const fill = (admission: QueueLimits, userId: string): number => {
    for (let count = 0; ; count += 1) {
      try {
        admission.reserve(userId);
      } catch {
        return count;
      }
    }
  };

  test.each([
    [200, 100],
    [30, 15],
    [16, 10],
    [3, 3],
  ])('of %i places is %i, and the rest is for others', (maxQueued, share) => {
    const { admission } = open(maxQueued);
    expect(fill(admission, 'ann')).toBe(share);
    expect(fill(admission, 'bob')).toBe(Math.min(share, maxQueued - share));
  });

  test('counts those in the line and those that come in, and is told as their own', () => {
    const { turns, admission } = open(20);
    for (let n = 0; n < 4; n += 1) {
      turns.enqueue({ jobId: `a${n}`, conversation: `c${n}`, userId: 'ann' }, () => undefined);
    }
    const arrived = Array.from({ length: 6 }, () => admission.reserve('ann'));
    expect(() => admission.reserve('ann')).toThrow('your own jobs');
    arrived[0]!();
    admission.reserve('ann');
    expect(() => admission.reserve('ann')).toThrow('10 is the limit');
  });
});
