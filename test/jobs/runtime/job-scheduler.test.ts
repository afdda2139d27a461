/** The order in which jobs run, the estimates of waiting jobs, and the queue limits. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createQueueLimits, type QueueLimits } from '#jobs/runtime/queue-limits';
import { backgroundDelayMs } from '#jobs/runtime/scheduler-queue';
import { createJobScheduler } from '#jobs/runtime/job-scheduler';
import { referenceScheduler } from './reference-scheduler.ts';

function setUp(maxConcurrent: number) {
  const clock = { at: 0, now: () => clock.at };
  const turns = createJobScheduler(maxConcurrent, clock);
  const enter = (jobId: string, conversation = jobId) =>
    turns.enqueue({ jobId, conversation, userId: 'ann' }, () => undefined);
  /** Lets one job run for `ms`, so that there is a measurement. */
  const measure = (ms: number) => {
    enter('measured');
    clock.at += ms;
    turns.release('measured');
  };
  return { clock, turns, enter, measure };
}

describe('the estimate for a waiting job', () => {
  test('is unknown while no job has been measured', () => {
    const { turns, enter } = setUp(1);
    enter('a');
    enter('b');
    expect(turns.etaMs('b')).toBeNull();
  });

  test('is the remaining time of the running jobs plus the whole time of the jobs ahead', () => {
    const { turns, enter, measure, clock } = setUp(1);
    measure(1_000);
    for (const job of ['a', 'b', 'c']) enter(job);
    clock.at += 400;
    expect([turns.etaMs('a'), turns.etaMs('b'), turns.etaMs('c')]).toEqual([null, 600, 1_600]);
  });

  test('divides by the number of jobs that run at once', () => {
    const { turns, enter, measure } = setUp(2);
    measure(1_000);
    for (const job of ['a', 'b', 'c', 'd', 'e']) enter(job);
    expect(['c', 'd', 'e'].map((job) => turns.etaMs(job))).toEqual([1_000, 1_000, 2_000]);
  });

  test('of a second message in one conversation includes the first message, even if more jobs could run', () => {
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

type Step =
  | { does: 'enter'; conversation: number; isBackground: boolean }
  | { does: 'hold'; conversation: number }
  | { does: 'leave'; job: number }
  | { does: 'pass'; ms: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        does: fc.constant('enter'),
        conversation: fc.nat(5),
        isBackground: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ does: fc.constant('pass'), ms: fc.constantFrom(1, 60_000, 300_001) }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('hold'), conversation: fc.nat(5) }) },
    { weight: 3, arbitrary: fc.record({ does: fc.constant('leave'), job: fc.nat(60) }) },
  ) as fc.Arbitrary<Step>,
  { maxLength: 80, size: 'max' },
);

describe('the queue of the scheduler', () => {
  test('refuses a job that waits already, and a second slot for a job that runs', () => {
    const { turns } = setUp(1);
    const waiter = (jobId: string) => ({ jobId, conversation: jobId, userId: 'ann' });
    turns.enqueue(waiter('runs'), () => undefined);
    turns.enqueue(waiter('waits'), () => undefined);
    expect(() => turns.enqueue(waiter('waits'), () => undefined)).toThrow('W1');
    expect(() => turns.adopt('runs', 'runs')).toThrow('T1');
    expect(turns).toMatchObject({ waiting: 1, running: 1 });
  });

  test('equals the queue of the reference scheduler over any history', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), steps, (maxConcurrent, history) => {
        const model = referenceScheduler(maxConcurrent, backgroundDelayMs);
        const { turns, clock } = setUp(maxConcurrent);
        const started: string[] = [];
        history.forEach((step, index) => {
          const jobId = `job-${index}`;
          if (step.does === 'leave') {
            model.release(`job-${step.job}`);
            turns.release(`job-${step.job}`);
          } else if (step.does === 'pass') {
            clock.at += step.ms;
          } else {
            const conversation = `c${step.conversation}`;
            const userId = `u${step.conversation % 2}`;
            if (step.does === 'hold') {
              model.adopt(jobId, conversation);
              turns.adopt(jobId, conversation);
            } else {
              const waiter = { jobId, conversation, userId, isBackground: step.isBackground };
              model.enqueue(waiter, clock.at);
              turns.enqueue(waiter, () => void started.push(jobId));
            }
          }
          expect(started).toEqual(model.started);
          const line = model.inOrder().map((one) => one.jobId);
          expect([...turns.waiters()].map((one) => one.jobId)).toEqual(line);
          expect(line.map((one) => turns.position(one))).toEqual(line.map((_, at) => at + 1));
          expect(turns.running).toBe(model.holders.length);
          for (const userId of ['u0', 'u1']) {
            const mine = model.waiters.filter((one) => one.userId === userId);
            expect(turns.waitingOf(userId)).toBe(mine.length);
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  test('lets people go before the runs of schedules, until these have waited for five minutes', () => {
    const { turns, clock } = setUp(1);
    const started: string[] = [];
    const add = (jobId: string, isBackground: boolean): void =>
      turns.enqueue({ jobId, conversation: jobId, userId: 'ann', isBackground }, () =>
        started.push(jobId),
      );
    add('runs', false);
    add('digest', true);
    clock.at += backgroundDelayMs - 1;
    add('early question', false);
    clock.at += 2;
    add('late question', false);
    for (const job of ['runs', 'early question', 'digest']) turns.release(job);
    expect(started).toEqual(['runs', 'early question', 'digest', 'late question']);
  });

  test('lets a run of a schedule go with the question that waits behind it in its conversation', () => {
    const { turns } = setUp(1);
    const started: string[] = [];
    const add = (jobId: string, conversation: string, isBackground: boolean): void =>
      turns.enqueue({ jobId, conversation, userId: 'ann', isBackground }, () =>
        started.push(jobId),
      );
    add('runs', 'x', false);
    add('other digest', 'y', true);
    add('digest', 'z', true);
    add('question', 'z', false);
    for (const job of ['runs', 'digest', 'question']) turns.release(job);
    expect(started).toEqual(['runs', 'digest', 'question', 'other digest']);
  });

  test('extrapolates the estimate of a job far back from the first jobs', () => {
    const { turns, enter, measure } = setUp(1);
    measure(1_000);
    for (let n = 0; n <= 1_000; n += 1) enter(`job-${n}`);
    expect(turns.position('job-1000')).toBe(1_000);
    expect(turns.etaMs('job-1000')).toBe(1_000_000);
  });

  test('runs twenty thousand jobs of one conversation one by one', () => {
    // A linear search for each job would exceed the time limit of a test.
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

describe('the share of the queue for one user', () => {
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
  ])('of %i places is %i, and the rest is for other users', (maxQueued, share) => {
    const { admission } = open(maxQueued);
    expect(fill(admission, 'ann')).toBe(share);
    expect(fill(admission, 'bob')).toBe(Math.min(share, maxQueued - share));
  });

  test('counts queued and arriving jobs of the user, and the error says that they are their own', () => {
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
