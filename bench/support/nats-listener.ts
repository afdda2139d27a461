/**
 * A subscriber on the bus in a thread of its own, as subscribers are: it gets a message while the thread
 * that published it is in the middle of the next commit.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface ListenerOptions {
  url: string;
  /** Of a plain subscription. */
  subject: string;
  /** Read with an ordered consumer as well; null: there is none. */
  stream: string | null;
  /** The last token of the subject of a job's last message. */
  lastType: string;
}

export interface Arrival {
  way: 'live' | 'ordered';
  /** `Nats-Msg-Id`. */
  id: string;
  /** As of `nowMs()`. */
  at: number;
}

export interface NatsListener {
  /** What has arrived, once the last message of the next job is there in every way. Ask before it is sent. */
  nextJob(): Promise<Arrival[]>;
  close(): Promise<void>;
}

/** Milliseconds of a clock that all threads share; `performance.now()` starts anew in each. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** A message that takes this long is lost. */
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
