/**
 * The publisher and the broker are killed with SIGKILL in turn, under a steady flow of jobs: the publisher at fault
 * points around every acknowledgement and watermark, the broker during writes. A subscriber that reads the stream
 * from the start must receive every event of every job once and in order; a live subscriber must receive events in
 * order.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nanos } from 'nats';
import { createSubjects } from '#shared/wire/subjects';
import { createStreamSpecs } from '#events/streams/streams';
import { openDatabase } from '#storage/database';
import {
  broker,
  brokenJobs,
  byJob,
  connectClient,
  folderForTest,
  managerOf,
  natsCommand,
  readEvents,
} from './nats-fixture.ts';

const totalJobs = 1_500;
/** The broker is also killed in every second round. */
const rounds = 40;

interface Life {
  /** Resolves with the next output line of the process, or null after its end. */
  line(): Promise<string | null>;
  ended: Promise<NodeJS.Signals | null>;
}

function live(database: string, url: string, ...fault: string[]): Life {
  const script = join(import.meta.dirname, 'chaos-child.ts');
  const child: ChildProcess = spawn(
    process.execPath,
    [script, database, url, String(totalJobs), ...fault],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 60_000,
      killSignal: 'SIGTERM',
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('exit', (_code, signal) => resolve(signal));
  });
  return { ended, line: async () => (await lines.next()).value ?? null };
}

const points = ['relay.beforePublish', 'relay.afterPublish', 'relay.afterMark'] as const;

describe.skipIf(natsCommand === null)('a publisher and a broker that are killed in turn', () => {
  test('lose, repeat and reorder no event', { timeout: 400_000 }, async () => {
    const server = await broker();
    // The broker forgets ids after 100 ms: an event that is sent twice is stored twice and detected.
    const jsm = await managerOf(await connectClient(server, { maxReconnectAttempts: -1 }));
    const spec = createStreamSpecs(createSubjects()).events;
    await jsm.streams.add({ ...spec, duplicate_window: nanos(100) });
    const database = join(folderForTest(), 'gatehouse.db');
    const liveSeen: { id: string; seq: number; jobId: string }[] = [];
    const listener = await connectClient(server, {
      maxReconnectAttempts: -1,
      reconnectTimeWait: 20,
    });
    listener.subscribe('gatehouse.v1.live.>', {
      callback(_error, message) {
        const { data } = message.json<{ data: { id: string; seq: number; job_id: string } }>();
        liveSeen.push({ id: data.id, seq: data.seq, jobId: data.job_id });
      },
    });

    let kills = 0;
    for (let round = 0; round < rounds; round += 1) {
      const life = live(database, server.url, points[round % 3]!, String(2 + (round % 9)));
      // In every second round the broker is killed too, during writes.
      if (round % 2 === 1 && (await life.line()) !== null) {
        await server.kill();
        await server.restart();
      }
      if ((await life.ended) === 'SIGKILL') kills += 1;
    }
    expect(kills).toBeGreaterThanOrEqual(20);
    const last = live(database, server.url);
    let said: string | null = '';
    while (said !== null && said !== 'done') said = await last.line();
    expect(said).toBe('done');
    await last.ended;

    const journal = await openDatabase({ path: database });
    const jobs = await journal.query.selectFrom('job').select(['id', 'seq', 'ended_at']).execute();
    await journal.close();
    expect(jobs).toHaveLength(totalJobs);
    const total = jobs.reduce((sum, job) => sum + job.seq, 0);
    const { events, repeated } = await readEvents(await connectClient(server), total);
    expect(repeated).toBe(0);
    expect(events).toHaveLength(total);
    expect(brokenJobs(events)).toEqual([]);
    const told = byJob(events);
    expect(jobs.filter(({ id, seq }) => told.get(id)?.length !== seq)).toEqual([]);

    const lastSeq = new Map<string, number>();
    const disordered = liveSeen.filter(({ jobId, seq }) => {
      const isLate = seq <= (lastSeq.get(jobId) ?? 0);
      lastSeq.set(jobId, seq);
      return isLate;
    });
    expect(disordered).toEqual([]);
    expect(liveSeen.length).toBeGreaterThan(0);
  });
});
