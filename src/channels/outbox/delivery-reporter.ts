/** Sends delivery reports of replies to the broker, at least once. The core shows them on the job. */
import type { BridgeStorage, OutboxEntry } from '../bridge-storage-port.ts';
import type { DeliveryReport, Reply } from '#shared/wire/reply';
import type { ErrorCode } from '#shared/errors';
import { createThrottledErrorLog } from '#shared/throttled-error-log';
import type { Log } from '#shared/log';
import { exponentialBackoffMs } from '#shared/backoff';
import { createWakeSignal } from '../wake-signal.ts';
import { isSystemNotice } from '../system-notices.ts';
import type { CoreLink } from '../core-link-port.ts';

export interface DeliveryReporter {
  start(): void;
  wake(): void;
  stop(): Promise<void>;
}

const batchSize = 50;
const retryMs = 250;
const retryMsMax = 5_000;
const errorCharsMax = 500;

export function createDeliveryReporter(parts: {
  /** Name of the channel, as in the subjects. */
  channel: string;
  storage: Pick<BridgeStorage, 'unreported' | 'markReported'>;
  link: CoreLink;
  now(): number;
  log: Log;
}): DeliveryReporter {
  const { storage, link, now } = parts;
  const errorLog = createThrottledErrorLog(parts.log, 'a report could not be made yet');
  const stopping = new AbortController();
  const wakeSignal = createWakeSignal();
  let running = Promise.resolve();

  /** False: failed, try again. */
  const report = async (entry: OutboxEntry): Promise<boolean> => {
    if (!isSystemNotice(entry.replyId)) {
      const outcome = await link.report(replyOf(entry, parts.channel), toDeliveryReport(entry));
      if (!outcome.ok) return false;
    }
    storage.markReported(entry.id, now());
    return true;
  };

  const run = async (): Promise<void> => {
    let tries = 0;
    while (!stopping.signal.aborted) {
      let isDone = true;
      let isIdle = true;
      try {
        for (const entry of storage.unreported(batchSize)) {
          isIdle = false;
          isDone = await report(entry);
          if (!isDone || stopping.signal.aborted) break;
        }
        errorLog.recovered();
      } catch (error) {
        isDone = isIdle = false;
        errorLog.error(error);
      }
      tries = isDone ? 0 : tries + 1;
      if (isDone && !isIdle) continue;
      const waitMs = isDone
        ? Number.POSITIVE_INFINITY
        : exponentialBackoffMs(tries, retryMs, retryMsMax);
      await wakeSignal.wait(waitMs, stopping.signal);
    }
  };
  return {
    start: () => void (running = run()),
    wake: () => wakeSignal.notify(),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** The fields of the reply that address its report. */
const replyOf = ({ replyId, jobId, userId, n, kind }: OutboxEntry, channel: string): Reply => ({
  reply_id: replyId,
  job_id: jobId ?? '',
  user_id: userId,
  channel,
  n,
  kind,
  text: '',
});

function toDeliveryReport({ delivery }: OutboxEntry): Omit<DeliveryReport, 'reply_id'> {
  const { posts, lost, error } = delivery.context;
  const why = (code: ErrorCode): string => `${code}: ${error ?? ''}`.slice(0, errorCharsMax);
  switch (delivery.state) {
    case 'uncertain':
      return { status: 'uncertain', parts: posts + lost, error: why('GH_BRIDGE_UNCERTAIN') };
    case 'dead':
      return { status: 'dead', parts: posts, error: why('GH_BRIDGE_DEAD') };
    default:
      // A dropped notice took no post.
      return { status: 'sent', parts: delivery.state === 'dropped' ? 0 : posts };
  }
}
