/**
 * The same five durable steps as a chain of pg-boss jobs: `send` accepts the job, and each of four queues completes one
 * step. The result of a step is the input of the next one: it is sent in the transaction that completes the step before.
 */
import { PgBoss, type Job } from 'pg-boss';
import { stepResult } from './gatehouse-jobs.ts';

export interface BossBench {
  run(n: number): Promise<void>;
  close(): Promise<void>;
}

interface StepData {
  job: string;
  results: string[];
}

const steps = ['admitted', 'classified', 'tool-run', 'worded'];

/**
 * The fastest of what was tried (batches of 20 to 100, 1 to 10 workers): a notification in place of the interval of
 * polling, one worker that takes jobs in batches, a table per queue, and one transaction for the completion of a batch
 * and its next step.
 */
const queueOptions = { notify: true, partition: true };
const workOptions = { batchSize: 100, localConcurrency: 1, burstWhenBatchFull: true };
const transactional = { ...workOptions, transactional: true } as const;

export async function openBoss(url: string): Promise<BossBench> {
  const boss = new PgBoss({
    connectionString: url,
    max: 20,
    useListenNotify: true,
    // No upkeep of its own during a measurement.
    supervise: false,
    schedule: false,
  });
  boss.on('error', (error) => {
    throw error;
  });
  await boss.start();
  for (const step of steps) await boss.createQueue(step, queueOptions);
  const ended = new Map<string, () => void>();
  const advanced = ({ data }: Job<StepData>): StepData => ({
    job: data.job,
    results: [...data.results, stepResult],
  });
  const last = steps.at(-1)!;
  for (const [index, step] of steps.slice(0, -1).entries()) {
    await boss.work<StepData, void, typeof transactional>(step, transactional, async (jobs, db) => {
      const next = jobs.map((job) => ({ data: advanced(job) }));
      await boss.insert(steps[index + 1]!, next, { db });
    });
  }
  await boss.work<StepData>(last, workOptions, async (jobs) => {
    // Completed here, because a job has ended for its caller only when that is committed.
    await boss.complete(
      last,
      jobs.map(({ id }) => id),
      { results: jobs.map(advanced) },
    );
    for (const { data } of jobs) {
      ended.get(data.job)?.();
      ended.delete(data.job);
    }
  });
  let sent = 0;
  return {
    async run() {
      sent += 1;
      const job = `bench-${sent}`;
      const done = new Promise<void>((resolve) => ended.set(job, resolve));
      await boss.send(steps[0]!, { job, results: [] });
      await done;
    },
    close: () => boss.stop({ graceful: false }),
  };
}
