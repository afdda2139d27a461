/** Tells the core what became of its replies, until the broker has it. The core shows it on the job. */
import type { BridgeStorage, OutboxEntry } from '../contract/bridge-storage.ts';
import type { DeliveryReport, Reply } from '../contract/reply.ts';
import type { ErrorCode } from '../lib/errors.ts';
import { createLastingFault } from '../lib/lasting-fault.ts';
import type { Log } from '../lib/log.ts';
import { backoffMs, createBell } from './bell.ts';
import { isOwn } from './own-words.ts';
import { channel, type CoreLink } from './ports.ts';

export interface Reporter {
  start(): void;
  wake(): void;
  stop(): Promise<void>;
}

const batch = 50;
const retryMs = 250;
const retryMsMax = 5_000;
const errorCharsMax = 500;

export function createReporter(parts: {
  storage: Pick<BridgeStorage, 'unreported' | 'reported'>;
  link: CoreLink;
  now(): number;
  log: Log;
}): Reporter {
  const { storage, link, now } = parts;
  const fault = createLastingFault(parts.log, 'a report could not be made yet');
  const stopping = new AbortController();
  const bell = createBell();
  let running = Promise.resolve();

  /** False: it did not work now. */
  const report = async (entry: OutboxEntry): Promise<boolean> => {
    if (!isOwn(entry.replyId)) {
      const outcome = await link.report(replyOf(entry), reportOf(entry));
      if (!outcome.ok) return false;
    }
    storage.reported(entry.id, now());
    return true;
  };

  const run = async (): Promise<void> => {
    let tries = 0;
    while (!stopping.signal.aborted) {
      let isDone = true;
      let isIdle = true;
      try {
        for (const entry of storage.unreported(batch)) {
          isIdle = false;
          isDone = await report(entry);
          if (!isDone || stopping.signal.aborted) break;
        }
        fault.worked();
      } catch (error) {
        isDone = isIdle = false;
        fault.failed(error);
      }
      tries = isDone ? 0 : tries + 1;
      if (isDone && !isIdle) continue;
      const waitMs = isDone ? Number.POSITIVE_INFINITY : backoffMs(tries, retryMs, retryMsMax);
      await bell.wait(waitMs, stopping.signal);
    }
  };
  return {
    start: () => void (running = run()),
    wake: () => bell.ring(),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** As much of the reply as its address needs. */
const replyOf = ({ replyId, jobId, userId, n, kind }: OutboxEntry): Reply => ({
  reply_id: replyId,
  job_id: jobId ?? '',
  user_id: userId,
  channel,
  n,
  kind,
  text: '',
});

function reportOf({ delivery }: OutboxEntry): Omit<DeliveryReport, 'reply_id'> {
  const { posts, lost, error } = delivery.context;
  const why = (code: ErrorCode): string => `${code}: ${error ?? ''}`.slice(0, errorCharsMax);
  switch (delivery.state) {
    case 'uncertain':
      return { status: 'uncertain', parts: posts + lost, error: why('GH_BRIDGE_UNCERTAIN') };
    case 'dead':
      return { status: 'dead', parts: posts, error: why('GH_BRIDGE_DEAD') };
    default:
      // A notice that was not needed took no post.
      return { status: 'sent', parts: delivery.state === 'dropped' ? 0 : posts };
  }
}
