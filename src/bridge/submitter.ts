/**
 * Hands messages and clicks on to the core, in order per lane, until the core has them.
 *
 * S1: a message is put on the broker first (durable there, whether the core runs or not), then the core is
 *     asked for its job under the same key. Both name the same job, so that either may be repeated.
 * S2: nothing is given up because of an outage: it is tried again, with longer waits.
 * S3: what the core refuses for good ends in words to the person (P1).
 * S4: one message of a lane at a time. A core that dies with one in its hands gets it again later than what
 *     lies on the broker behind it: the later message would become a job before the earlier one.
 */
import { z } from 'zod';
import type { BridgeStorage, InboxRow, NewOutboxRow } from '../contract/bridge-storage.ts';
import { commandBytesMax } from '../contract/subjects.ts';
import { errorTable } from '../lib/errors.ts';
import { createLastingFault } from '../lib/lasting-fault.ts';
import type { Log } from '../lib/log.ts';
import { localeOf, textsOf } from '../../machines/texts.ts';
import { backoffMs, createBell, type Bell } from './bell.ts';
import type { Clicks } from './clicks.ts';
import { ownWords } from './own-words.ts';
import { channel, type CoreLink, type LinkOutcome } from './ports.ts';
import { isForGood } from './refusal.ts';
import type { Targets } from './targets.ts';

export interface Submitter {
  /** Takes up what an earlier process has left. */
  start(): void;
  /** There are new rows in this lane. */
  wake(lane: string): void;
  stop(): Promise<void>;
}

export interface SubmitterParts {
  storage: BridgeStorage;
  link: CoreLink;
  targets: Targets;
  clicks: Clicks;
  /** Reads the file that came with a message, if any; resolves with what is to be submitted. */
  withFile(row: InboxRow): Promise<InboxRow>;
  say(row: NewOutboxRow): void;
  /** Something in the inbox has moved: replies that waited for it may go. */
  onMoved(): void;
  /** So long a person hears nothing while the core is away. */
  waitingNoticeMs: number;
  now(): number;
  log: Log;
}

/** A broker that comes back is noticed within this; people wait. */
const retryMsMax = 5_000;
const retryMs = 200;
/** The broker counts the headers as well, and the message id in them. */
const headerBytes = 1024;

const accepted = z.object({
  job_id: z.string().min(1),
  after_seq: z.number().int().min(0).default(0),
});

export function createSubmitter(parts: SubmitterParts): Submitter {
  const { storage } = parts;
  const fault = createLastingFault(parts.log, 'a message could not be handed on yet');
  const stopping = new AbortController();
  const lanes = new Map<string, { ring(): void; done: Promise<void> }>();
  const wake = (lane: string): void => {
    if (stopping.signal.aborted) return;
    const running = lanes.get(lane);
    if (running !== undefined) return running.ring();
    const bell = createBell();
    let hasRung = false;
    const ring = (): void => {
      hasRung = true;
      bell.ring();
    };
    const done = runLane(lane, bell, parts, stopping.signal)
      .then(
        // What came between its last look and its end.
        () => {
          fault.worked();
          if (hasRung) setImmediate(wake, lane);
        },
        (error: unknown) => {
          fault.failed(error, { lane });
          setTimeout(wake, retryMsMax, lane).unref();
        },
      )
      .finally(() => lanes.delete(lane));
    lanes.set(lane, { ring, done });
  };
  return {
    wake,
    start() {
      for (const lane of new Set(storage.unsent().map((row) => row.lane))) wake(lane);
    },
    async stop() {
      stopping.abort();
      await Promise.all([...lanes.values()].map(({ done }) => done));
    },
  };
}

/** Works on the lane until nothing is left to hand on. */
async function runLane(
  lane: string,
  bell: Bell,
  parts: SubmitterParts,
  signal: AbortSignal,
): Promise<void> {
  let tries = 0;
  while (!signal.aborted) {
    const rows = parts.storage.nextOf(lane);
    if (rows.length === 0) return;
    const hasMoved = await handOn(rows, parts, signal);
    tries = hasMoved ? 0 : tries + 1;
    if (hasMoved) continue;
    tellWaiting(rows[0]!, parts);
    await bell.wait(backoffMs(tries - 1, retryMs, retryMsMax), signal);
  }
}

/** One round for the first of the lane: onto the broker, then to the core. False: nothing moved, wait. */
async function handOn(
  [first]: readonly InboxRow[],
  parts: SubmitterParts,
  signal: AbortSignal,
): Promise<boolean> {
  if (first === undefined || signal.aborted) return false;
  if (first.kind === 'click') return clickDone(first, parts);
  const isNew = first.state === 'stored';
  if (isNew && !(await publish(first, parts))) return false;
  const isKnown = await askForJob(first, parts);
  return isKnown || isNew;
}

async function clickDone(row: InboxRow, { clicks, storage, onMoved }: SubmitterParts) {
  if (!(await clicks.handle(row))) return false;
  storage.move(row.id, 'done');
  onMoved();
  return true;
}

const bodyOf = (row: InboxRow, targets: Targets): Record<string, unknown> => {
  const thread = targets.threadOf(row.target);
  return {
    message: row.text,
    user_id: row.userId,
    channel,
    ...(thread === null ? {} : { thread }),
    ...(row.attachment === null ? {} : { attachment: row.attachment }),
  };
};

async function publish(row: InboxRow, parts: SubmitterParts): Promise<boolean> {
  const ready = row.file === null ? row : await parts.withFile(row);
  // The file could not be read and there is nothing else: the person has been told.
  if (ready.text === '') {
    parts.storage.move(row.id, 'apologised');
    parts.onMoved();
    return true;
  }
  const body = bodyOf(ready, parts.targets);
  const outcome = fits(body) ? await parts.link.submit(body, row.key) : tooLong;
  if (outcome.ok) {
    parts.storage.move(row.id, 'submitted');
    return true;
  }
  if (!isForGood(outcome.problem)) return false;
  apologise(ready, outcome, parts);
  return true;
}

/** The broker refuses more, each time, and everything behind it would wait. */
const fits = (body: Record<string, unknown>): boolean =>
  Buffer.byteLength(JSON.stringify(body)) <= commandBytesMax - headerBytes;

const tooLong: LinkOutcome<never> & { ok: false } = {
  ok: false,
  problem: { code: 'GH_REQUEST_TOO_LONG', message: errorTable.GH_REQUEST_TOO_LONG.title },
};

async function askForJob(seen: InboxRow, parts: SubmitterParts): Promise<boolean> {
  const { storage, link, targets } = parts;
  // As it is now: it may have been put on the broker, read its file or been refused since.
  const row = storage.openByKey(seen.key);
  if (row === null) return true;
  if (row.state !== 'submitted') return false;
  const key = `${channel}:${row.key}`;
  const outcome = await link.request('submit', { ...bodyOf(row, targets), idempotency_key: key });
  if (!outcome.ok) {
    if (!isForGood(outcome.problem)) return false;
    apologise(row, outcome, parts);
    return true;
  }
  const { job_id: jobId, after_seq: afterSeq } = accepted.parse(outcome.value);
  if (storage.openByKey(row.key) !== null) {
    storage.move(row.id, 'accepted', { jobId, afterSeq });
    storage.settleJob(jobId);
  }
  parts.onMoved();
  return true;
}

/** The broker puts the message aside as well, and the core says so; whoever is first has said it. */
function apologise(
  row: InboxRow,
  outcome: LinkOutcome<unknown> & { ok: false },
  { storage, say, onMoved, now, log }: SubmitterParts,
): void {
  if (storage.openByKey(row.key) === null) return;
  const { code, message } = outcome.problem;
  log.warn({ key: row.key, code }, 'a message was refused');
  const text = `${textsOf(localeOf(row.text)).noAnswer} (${message}, ${code})`;
  say(ownWords(row, `refused-${row.id}`, 'error', text, now()));
  storage.move(row.id, 'apologised');
  onMoved();
}

/** Once per message, and only for the first of its lane: those behind it wait for the same. */
function tellWaiting(row: InboxRow, { say, waitingNoticeMs, now }: SubmitterParts): void {
  if (row.kind === 'click' || now() - row.receivedAt < waitingNoticeMs) return;
  say(ownWords(row, `wait-${row.id}`, 'notice', textsOf(localeOf(row.text)).chatWaiting, now()));
}
