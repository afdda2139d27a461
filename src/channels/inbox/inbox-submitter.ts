/**
 * Submits messages and clicks to the core, in order per lane, until the core has accepted them.
 *
 * S1: a message is published to the broker first (durable there, whether the core runs or not), then the core is
 *     asked for its job with the same idempotency key. Both name the same job, so either may be repeated.
 * S2: an outage never ends a message: it is retried with exponential backoff.
 * S3: a permanent refusal by the core ends in a notice to the user (P1).
 * S4: one message of a lane at a time. If the core dies with a message in hand, the broker redelivers it after the
 *     messages queued behind it: a later message would become a job before an earlier one.
 */
import { z } from 'zod';
import type { BridgeStorage, InboxRow, NewOutboxRow } from '../bridge-storage-port.ts';
import { commandBytesMax } from '#shared/wire/subjects';
import { errorTable } from '#shared/errors';
import { createThrottledErrorLog } from '#shared/throttled-error-log';
import type { Log } from '#shared/log';
import { localeOf, textsOf } from '#machines/texts';
import { exponentialBackoffMs } from '#shared/backoff';
import { createWakeSignal, type WakeSignal } from '../wake-signal.ts';
import type { ButtonHandler } from './button-handler.ts';
import { createSystemNotice } from '../system-notices.ts';
import { isPermanentError, type CoreLink, type LinkOutcome } from '../core-link-port.ts';
import type { ChannelTargets } from '../targets.ts';

export interface InboxSubmitterParts {
  storage: BridgeStorage;
  link: CoreLink;
  targets: ChannelTargets;
  /** Name of the channel, in the job and in idempotency keys. */
  channel: string;
  buttonHandler: ButtonHandler;
  /** Reads the file that came with a message, if any; resolves with the row to submit. */
  withFile(row: InboxRow): Promise<InboxRow>;
  say(row: NewOutboxRow): void;
  /** The state of an inbox row has changed: replies that waited for it may be sent. */
  onInboxChanged(): void;
  /** How long a message waits without a job before its user is notified. */
  waitingNoticeMs: number;
  now(): number;
  log: Log;
}

/** Short, because users wait: a broker that comes back is noticed within this time. */
const retryMsMax = 5_000;
const retryMs = 200;
/** The broker's limit includes the headers, with the message id. */
const headerBytes = 1024;

const acceptedResponse = z.object({
  job_id: z.string().min(1),
  after_seq: z.number().int().min(0).default(0),
});

export function createInboxSubmitter(parts: InboxSubmitterParts) {
  const { storage } = parts;
  const errorLog = createThrottledErrorLog(parts.log, 'a message could not be handed on yet');
  const stopping = new AbortController();
  const lanes = new Map<string, { notify(): void; done: Promise<void> }>();
  const wake = (lane: string): void => {
    if (stopping.signal.aborted) return;
    const running = lanes.get(lane);
    if (running !== undefined) return running.notify();
    const wakeSignal = createWakeSignal();
    let wasNotified = false;
    const notify = (): void => {
      wasNotified = true;
      wakeSignal.notify();
    };
    const done = runLane(lane, wakeSignal, parts, stopping.signal)
      .then(
        // Rows that arrived between the last read and the end of the loop.
        () => {
          errorLog.recovered();
          if (wasNotified) setImmediate(wake, lane);
        },
        (error: unknown) => {
          errorLog.error(error, { lane });
          setTimeout(wake, retryMsMax, lane).unref();
        },
      )
      .finally(() => lanes.delete(lane));
    lanes.set(lane, { notify, done });
  };
  return {
    /** There are new rows in this lane. */
    wake,
    /** Continues with the rows that an earlier process has left. */
    start(): void {
      for (const lane of new Set(storage.unsubmittedInbox().map((row) => row.lane))) wake(lane);
    },
    async stop(): Promise<void> {
      stopping.abort();
      await Promise.all([...lanes.values()].map(({ done }) => done));
    },
  };
}

/** Processes the lane until no rows are left to submit. */
async function runLane(
  lane: string,
  wakeSignal: WakeSignal,
  parts: InboxSubmitterParts,
  signal: AbortSignal,
): Promise<void> {
  let tries = 0;
  while (!signal.aborted) {
    const rows = parts.storage.nextInboxOf(lane);
    if (rows.length === 0) return;
    const hasMoved = await submitNext(rows, parts, signal);
    tries = hasMoved ? 0 : tries + 1;
    if (hasMoved) continue;
    notifyDelayed(rows[0]!, parts);
    await wakeSignal.wait(exponentialBackoffMs(tries - 1, retryMs, retryMsMax), signal);
  }
}

/** One step for the first row of the lane: publish, then ask for its job. False: no progress, wait. */
async function submitNext(
  [first]: readonly InboxRow[],
  parts: InboxSubmitterParts,
  signal: AbortSignal,
): Promise<boolean> {
  if (first === undefined || signal.aborted) return false;
  if (first.kind === 'click') return handleClick(first, parts);
  const isNew = first.state === 'stored';
  if (isNew && !(await publish(first, parts))) return false;
  const isKnown = await requestJob(first, parts);
  return isKnown || isNew;
}

async function handleClick(
  row: InboxRow,
  { buttonHandler, storage, onInboxChanged }: InboxSubmitterParts,
) {
  if (!(await buttonHandler.handle(row))) return false;
  storage.setInboxState(row.id, 'done');
  onInboxChanged();
  return true;
}

const bodyOf = (
  row: InboxRow,
  { targets, channel }: InboxSubmitterParts,
): Record<string, unknown> => {
  const thread = targets.threadOf(row.target);
  return {
    message: row.text,
    user_id: row.userId,
    channel,
    ...(thread === null ? {} : { thread }),
    ...(row.attachment === null ? {} : { attachment: row.attachment }),
  };
};

async function publish(row: InboxRow, parts: InboxSubmitterParts): Promise<boolean> {
  const ready = row.file === null ? row : await parts.withFile(row);
  // The file could not be read and there is no other text: the user has been notified.
  if (ready.text === '') {
    parts.storage.setInboxState(row.id, 'apologised');
    parts.onInboxChanged();
    return true;
  }
  const body = bodyOf(ready, parts);
  const outcome = fitsBroker(body) ? await parts.link.submit(body, row.key) : tooLongOutcome;
  if (outcome.ok) {
    parts.storage.setInboxState(row.id, 'submitted');
    return true;
  }
  if (!isPermanentError(outcome.problem)) return false;
  notifyRefused(ready, outcome, parts);
  return true;
}

/** The broker refuses larger messages every time, and would block the rows behind them. */
const fitsBroker = (body: Record<string, unknown>): boolean =>
  Buffer.byteLength(JSON.stringify(body)) <= commandBytesMax - headerBytes;

const tooLongOutcome: LinkOutcome<never> & { ok: false } = {
  ok: false,
  problem: { code: 'GH_REQUEST_TOO_LONG', message: errorTable.GH_REQUEST_TOO_LONG.title },
};

async function requestJob(staleRow: InboxRow, parts: InboxSubmitterParts): Promise<boolean> {
  const { storage, link, channel } = parts;
  // Reads the current row: it may have been published, got its file text or been refused meanwhile.
  const row = storage.findUnansweredByKey(staleRow.key);
  if (row === null) return true;
  if (row.state !== 'submitted') return false;
  const key = `${channel}:${row.key}`;
  const outcome = await link.request('submit', { ...bodyOf(row, parts), idempotency_key: key });
  if (!outcome.ok) {
    if (!isPermanentError(outcome.problem)) return false;
    notifyRefused(row, outcome, parts);
    return true;
  }
  const { job_id: jobId, after_seq: afterSeq } = acceptedResponse.parse(outcome.value);
  if (storage.findUnansweredByKey(row.key) !== null) {
    storage.setInboxState(row.id, 'accepted', { jobId, afterSeq });
    storage.markJobAnswered(jobId);
  }
  parts.onInboxChanged();
  return true;
}

/** The core also dead-letters the message and sends an error reply: the first of both closes the row. */
function notifyRefused(
  row: InboxRow,
  outcome: LinkOutcome<unknown> & { ok: false },
  { storage, say, onInboxChanged, now, log }: InboxSubmitterParts,
): void {
  if (storage.findUnansweredByKey(row.key) === null) return;
  const { code, message } = outcome.problem;
  log.warn({ key: row.key, code }, 'a message was refused');
  const text = `${textsOf(localeOf(row.text)).noAnswer} (${message}, ${code})`;
  say(createSystemNotice(row, `refused-${row.id}`, 'error', text, now()));
  storage.setInboxState(row.id, 'apologised');
  onInboxChanged();
}

/** Once per message, and only for the first of its lane: the rows behind it wait for the same reason. */
function notifyDelayed(
  row: InboxRow,
  { storage, say, waitingNoticeMs, now }: InboxSubmitterParts,
): void {
  if (row.kind === 'click' || now() - row.receivedAt < waitingNoticeMs) return;
  // The core may have answered it meanwhile.
  if (storage.findUnansweredByKey(row.key) === null) return;
  say(
    createSystemNotice(
      row,
      `wait-${row.id}`,
      'notice',
      textsOf(localeOf(row.text)).chatWaiting,
      now(),
    ),
  );
}
