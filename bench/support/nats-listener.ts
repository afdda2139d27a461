/**
 * A NATS subscriber in a thread of its own, as real subscribers are other processes: it receives a message while the
 * publishing thread is in its next commit.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface ListenerOptions {
  url: string;
  /** The subject of a plain subscription. */
  subject: string;
  /** The stream that an ordered consumer reads as well; null: no stream. */
  stream: string | null;
  /** The last token of the subject of a job's last message. */
  lastType: string;
}

export interface Arrival {
  way: 'live' | 'ordered';
  /** `Nats-Msg-Id`. */
  id: string;
  /** Arrival time by `nowMs()`. */
  at: number;
}

export interface NatsListener {
  /** The arrivals of the next job, once every subscription has its last message. Call before the job is submitted. */
  nextJob(): Promise<Arrival[]>;
  close(): Promise<void>;
}

/** Milliseconds of a monotonic clock that all threads share; `performance.now()` starts at 0 in each thread. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** After this time a message counts as lost. */
const waitMs = 10_000;

export async function openListener(options: ListenerOptions): Promise<NatsListener> {
  const thread = new Worker(new URL('./nats-listener-thread.ts', import.meta.url), {
    workerData: options,
  });
  const next = async (): Promise<unknown> => {
    const [said] = await once(thread, 'message', { signal: AbortSignal.timeout(waitMs) });
    return said;
  };
  await next();
  return {
    nextJob: async () => (await next()) as Arrival[],
    close: async () => void (await thread.terminate()),
  };
}
