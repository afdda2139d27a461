/** Sends delivery reports of replies to the broker, at least once. The core shows them on the job. */
import type { BridgeStorage, OutboxEntry } from '../bridge-storage-port.ts';
import type { DeliveryReport, Reply } from '#shared/wire/reply';
import type { ErrorCode } from '#shared/errors';
import type { Log } from '#shared/log';
import { createRepeatedStep, type RepeatedStep } from '../repeated-step.ts';
import { isSystemNotice } from '../system-notices.ts';
import type { CoreLink } from '../core-link-port.ts';

const batchSize = 50;
const retryMs = { first: 250, max: 5_000 };
const errorCharsMax = 500;

export function createDeliveryReporter(parts: {
  /** Name of the channel, as in the subjects. */
  channel: string;
  storage: Pick<BridgeStorage, 'unreported' | 'markReported'>;
  link: CoreLink;
  now(): number;
  log: Log;
}): RepeatedStep {
  const { channel, storage, link, now, log } = parts;
  /** False: failed, try again. */
  const report = async (entry: OutboxEntry): Promise<boolean> => {
    if (!isSystemNotice(entry.replyId)) {
      const outcome = await link.report(replyOf(entry, channel), toDeliveryReport(entry));
      if (!outcome.ok) return false;
    }
    storage.markReported(entry.id, now());
    return true;
  };

  return createRepeatedStep({
    async step(signal) {
      const entries = storage.unreported(batchSize);
      for (const entry of entries) {
        if (signal.aborted) break;
        if (!(await report(entry))) return 'retry';
      }
      return entries.length === 0 ? Number.POSITIVE_INFINITY : 0;
    },
    retryMs,
    failure: 'a report could not be made yet',
    log,
  });
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
