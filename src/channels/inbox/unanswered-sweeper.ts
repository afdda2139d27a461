/**
 * Ensures that every accepted message is answered (P1), even if its reply never arrives because a broker was wiped or a
 * core restored from a backup: asks the core for the result of the job.
 */
import { z } from 'zod';
import type { BridgeStorage, InboxRow, NewOutboxRow } from '../bridge-storage-port.ts';
import { finalStates } from '#machines/job-states';
import type { Log } from '#shared/log';
import { localeOf, textsOf } from '#machines/texts';
import { createRepeatedStep, type RepeatedStep } from '../repeated-step.ts';
import { createSystemNotice } from '../system-notices.ts';
import type { CoreLink } from '../core-link-port.ts';
import type { ReplyReceiver } from '../outbox/reply-receiver.ts';
import type { ChannelTargets } from '../targets.ts';

export interface UnansweredSweeperParts {
  storage: BridgeStorage;
  link: CoreLink;
  replies: ReplyReceiver;
  targets: ChannelTargets;
  channel: string;
  say(row: NewOutboxRow): void;
  onInboxChanged(): void;
  intervalMs: number;
  /** Only older messages are checked: a reply needs time to pass the broker. */
  minAgeMs: number;
  /** Rows that ended longer ago are deleted. */
  retentionMs: number;
  now(): number;
  log: Log;
}

const jobView = z.object({
  state: z.string(),
  outcome: z.string().nullable(),
  reply: z.string().nullable(),
  seq: z.number().int(),
});

export function createUnansweredSweeper(parts: UnansweredSweeperParts): RepeatedStep {
  const { storage, now, log, intervalMs } = parts;
  /** Jobs that had ended at the last sweep: their replies had a whole interval to arrive. */
  let ended = new Set<string>();

  const sweep = async (signal: AbortSignal): Promise<void> => {
    const before = ended;
    ended = new Set();
    for (const row of storage.unanswered(now() - parts.minAgeMs)) {
      if (signal.aborted || row.jobId === null) continue;
      const outcome = await parts.link.request('get', { job_id: row.jobId });
      if (!outcome.ok) {
        if (outcome.problem.code === 'GH_JOB_NOT_FOUND') notifyJobLost(row, parts);
        continue;
      }
      const job = jobView.safeParse(outcome.value);
      if (!job.success || !finalStates.has(job.data.state)) continue;
      ended.add(row.jobId);
      if (before.has(row.jobId)) storeMissingReply(row, job.data, parts);
    }
    storage.prune(now() - parts.retentionMs);
  };

  let isFirst = true;
  return createRepeatedStep({
    async step(signal) {
      if (!isFirst) await sweep(signal);
      isFirst = false;
      return intervalMs;
    },
    retryMs: { first: intervalMs, max: intervalMs },
    failure: 'answers could not be looked after',
    log,
  });
}

/** Stores the missing reply with its own id, so that it is posted once even if it arrives later. */
function storeMissingReply(
  row: InboxRow,
  job: z.infer<typeof jobView>,
  parts: UnansweredSweeperParts,
): void {
  const { storage, replies, targets, channel, onInboxChanged, log } = parts;
  const jobId = row.jobId!;
  storage.markJobAnswered(jobId);
  if (storage.findUnansweredByKey(row.key) !== null) {
    log.warn({ job: jobId }, 'the reply of a job never came; it was asked for');
    const thread = targets.byName(row.target)?.thread ?? null;
    replies.receive({
      reply_id: `${jobId}:${job.seq}`,
      job_id: jobId,
      user_id: row.userId,
      channel,
      n: job.seq,
      kind: job.outcome === 'failed' ? 'error' : 'final',
      text: job.reply || textsOf(localeOf(row.text)).noAnswer,
      ...(thread === null ? {} : { thread }),
    });
    // A message to a job that had ended before it arrived causes no event, so no reply answers it.
    if (storage.findUnansweredByKey(row.key) !== null) storage.setInboxState(row.id, 'answered');
  }
  onInboxChanged();
}

function notifyJobLost(
  row: InboxRow,
  { storage, say, onInboxChanged, now, log }: UnansweredSweeperParts,
): void {
  if (storage.findUnansweredByKey(row.key) === null) return;
  log.warn({ job: row.jobId }, 'the core does not know the job any more');
  say(
    createSystemNotice(row, `lost-${row.id}`, 'error', textsOf(localeOf(row.text)).noAnswer, now()),
  );
  storage.setInboxState(row.id, 'apologised');
  onInboxChanged();
}
