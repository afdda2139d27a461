/**
 * Sees to it that a message that was accepted is answered (P1), also where its reply never comes: a broker
 * that was wiped, a core that was restored from a backup. Then the core is asked what became of the job.
 */
import { z } from 'zod';
import type { BridgeStorage, InboxRow, NewOutboxRow } from '../contract/bridge-storage.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { localeOf, textsOf } from '../../machines/texts.ts';
import { createBell } from './bell.ts';
import { ownWords } from './own-words.ts';
import { channel, type CoreLink } from './ports.ts';
import type { ReplyInbox } from './reply-inbox.ts';
import type { Targets } from './targets.ts';

export interface AnswerWatch {
  start(): void;
  stop(): Promise<void>;
}

export interface AnswerWatchParts {
  storage: BridgeStorage;
  link: CoreLink;
  replies: ReplyInbox;
  targets: Targets;
  say(row: NewOutboxRow): void;
  onMoved(): void;
  everyMs: number;
  /** A reply takes its time through the broker: only a message that is older is looked at. */
  patienceMs: number;
  /** What has ended longer ago is forgotten. */
  keepMs: number;
  now(): number;
  log: Log;
}

const jobView = z.object({
  state: z.string(),
  outcome: z.string().nullable(),
  reply: z.string().nullable(),
  seq: z.number().int(),
});

export function createAnswerWatch(parts: AnswerWatchParts): AnswerWatch {
  const { storage, now, log } = parts;
  const stopping = new AbortController();
  const bell = createBell();
  let running = Promise.resolve();
  /** Jobs that had ended at the last look: their reply had a whole round to come. */
  let ended = new Set<string>();

  const look = async (): Promise<void> => {
    const before = ended;
    ended = new Set();
    for (const row of storage.unanswered(now() - parts.patienceMs)) {
      if (stopping.signal.aborted || row.jobId === null) continue;
      const asked = await parts.link.request('get', { job_id: row.jobId });
      if (!asked.ok) {
        if (asked.problem.code === 'GH_JOB_NOT_FOUND') apologise(row, parts);
        continue;
      }
      const job = jobView.safeParse(asked.value);
      if (!job.success || !['done', 'cancelled'].includes(job.data.state)) continue;
      ended.add(row.jobId);
      if (before.has(row.jobId)) answer(row, job.data, parts);
    }
    storage.prune(now() - parts.keepMs);
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await bell.wait(parts.everyMs, stopping.signal);
      try {
        if (!stopping.signal.aborted) await look();
      } catch (error) {
        log.error({ error: messageOf(error) }, 'answers could not be looked after');
      }
    }
  };
  return {
    start: () => void (running = run()),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** The reply that should have come: with its own id, so that it is posted once if it comes after all. */
function answer(row: InboxRow, job: z.infer<typeof jobView>, parts: AnswerWatchParts): void {
  const { storage, replies, targets, onMoved, log } = parts;
  const jobId = row.jobId!;
  storage.settleJob(jobId);
  if (storage.openByKey(row.key) !== null) {
    log.warn({ job: jobId }, 'the reply of a job never came; it was asked for');
    const thread = targets.byName(row.target)?.thread ?? null;
    replies.take({
      reply_id: `${jobId}:${job.seq}`,
      job_id: jobId,
      user_id: row.userId,
      channel,
      n: job.seq,
      kind: job.outcome === 'failed' ? 'error' : 'final',
      text: job.reply || textsOf(localeOf(row.text)).noAnswer,
      ...(thread === null ? {} : { thread }),
    });
    // A word to a job that had ended before it came has no event of its own to wait for.
    if (storage.openByKey(row.key) !== null) storage.move(row.id, 'answered');
  }
  onMoved();
}

function apologise(row: InboxRow, { storage, say, onMoved, now, log }: AnswerWatchParts): void {
  if (storage.openByKey(row.key) === null) return;
  log.warn({ job: row.jobId }, 'the core does not know the job any more');
  say(ownWords(row, `lost-${row.id}`, 'error', textsOf(localeOf(row.text)).noAnswer, now()));
  storage.move(row.id, 'apologised');
  onMoved();
}
