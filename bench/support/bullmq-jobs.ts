/**
 * The same five steps as a BullMQ job: the result of each step is written with `updateProgress`, and is in the
 * append-only file of Redis (fsynced each time, or once a second) before the next step starts.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { Queue, Worker } from 'bullmq';
import { freePort } from '#test/support/free-port';
import { stepResult } from './gatehouse-jobs.ts';

export interface BullBench {
  run(n: number): Promise<void>;
  close(): Promise<void>;
}

/** Null when there is no redis-server on PATH. */
export async function openBullmq(
  folder: string,
  fsync: 'always' | 'everysec',
): Promise<BullBench | null> {
  const port = await freePort();
  const redis = await startRedis(folder, fsync, port);
  if (redis === null) return null;
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const queue = new Queue('bench', { connection });
  const ended = new Map<string, () => void>();
  // Two workers with 50 jobs each: the fastest of 1, 2 and 4 workers for the fsynced form.
  const workers = [1, 2].map(
    () =>
      new Worker(
        'bench',
        async (job) => {
          for (let step = 1; step <= 5; step += 1) {
            await Promise.resolve();
            await job.updateProgress({ step, result: stepResult });
          }
          return stepResult;
        },
        { connection, concurrency: 50 },
      ),
  );
  for (const worker of workers) {
    worker.on('completed', (job) => {
      ended.get(job.id!)?.();
      ended.delete(job.id!);
    });
  }
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  return {
    async run(n) {
      const jobId = `bench-${n}-${Math.random().toString(36).slice(2)}`;
      const done = new Promise<void>((resolve) => ended.set(jobId, resolve));
      await queue.add('job', { n }, { jobId, removeOnComplete: true });
      await done;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await queue.close();
      redis.kill('SIGTERM');
    },
  };
}

function startRedis(folder: string, fsync: string, port: number): Promise<ChildProcess | null> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const redis = spawn('redis-server', [...args, '--appendonly', 'yes', '--appendfsync', fsync], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return new Promise((resolve) => {
    redis.once('error', () => resolve(null));
    redis.stdout.on('data', (data: Buffer) => {
      if (data.toString().includes('Ready to accept connections')) resolve(redis);
    });
  });
}
