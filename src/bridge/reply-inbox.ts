/**
 * Takes replies of the core into the outbox. Only what is on disk is acknowledged to the broker.
 *
 * R1: each reply is posted at most once: its id is the key of its row.
 * R2: a reply and what follows from it (its question is answered, its notices are needless) are stored in one
 *     step: a second coming of it must find all or nothing.
 * R3: of a job's notices a person sees at most one, and none that its answer has overtaken.
 */
import type { BridgeStorage, NewOutboxRow, OutboxEntry } from '../contract/bridge-storage.ts';
import type { Reply } from '../contract/reply.ts';
import type { Log } from '../lib/log.ts';
import { localeOf, textsOf } from '../../machines/texts.ts';
import { chatText } from './chat-markup.ts';
import { deliveryStep, newDelivery, withText } from './delivery-step.ts';
import { placeOf, withoutPlace } from './places.ts';
import type { Targets } from './targets.ts';

export interface ReplyInbox {
  take(reply: Reply): 'done' | 'later';
}

export interface ReplyInboxParts {
  storage: BridgeStorage;
  targets: Targets;
  /** A notice waits this long for the answer that makes it needless. */
  noticeDelayMs: number;
  onStored(): void;
  now(): number;
  log: Log;
}

/** A program that runs wild fills this, and then the broker's queue; not the disk. */
const outboxMax = 5_000;

export function createReplyInbox(parts: ReplyInboxParts): ReplyInbox {
  const { storage, log } = parts;
  return {
    take(reply) {
      if (storage.hasReply(reply.reply_id)) return 'done';
      if (storage.openCounts().outbox >= outboxMax) return 'later';
      const row = rowOf(reply, parts);
      if (row.delivery.state === 'dead') {
        log.error({ reply: reply.reply_id, thread: reply.thread }, 'no chat is configured for it');
      }
      storage.inOneStep(() => store(reply, row, parts));
      parts.onStored();
      return 'done';
    },
  };
}

function store(reply: Reply, row: NewOutboxRow, parts: ReplyInboxParts): void {
  const { storage, now } = parts;
  if (row.delivery.state === 'dead') storage.put([row], now());
  else if (reply.kind === 'notice') takeNotice(row, parts);
  else if (isRefusedAlready(reply, storage)) putDropped(row, parts);
  else {
    storage.put([row], now());
    dropNotices(reply.job_id, parts);
    storage.settleJob(reply.job_id);
    settleRefused(reply, storage);
  }
}

function rowOf(reply: Reply, { targets, noticeDelayMs, now }: ReplyInboxParts): NewOutboxRow {
  const chatUser = targets.chatUserOf(reply.user_id);
  const target = placeOf(targets.byThread(reply.thread ?? null), chatUser, targets);
  const cut = reply.truncated === true ? `\n${textsOf(localeOf(reply.text)).chatCut}` : '';
  const text = chatText(`${reply.text}${cut}`);
  const delivery = newDelivery(text);
  return {
    replyId: reply.reply_id,
    jobId: reply.job_id,
    userId: reply.user_id,
    target: target?.name ?? 'none',
    lane: `${target?.name ?? 'none'}/${chatUser}`,
    chatUser,
    n: reply.n,
    kind: reply.kind,
    text,
    buttons: reply.buttons ?? null,
    place: null,
    delivery: target === null ? deliveryStep(delivery, withoutPlace) : delivery,
    dueAt: now() + (reply.kind === 'notice' ? noticeDelayMs : 0),
  };
}

function takeNotice(row: NewOutboxRow, { storage, now }: ReplyInboxParts): void {
  const jobId = row.jobId!;
  const [open] = storage.openNotices(jobId);
  const isLate = storage.hasAnswer(jobId, row.n) || storage.hasNotice(jobId);
  if (!isLate) {
    storage.put([row], now());
    return;
  }
  // One more thing to say in the post that has not gone yet: its place in the line, say.
  if (open !== undefined && isUntouched(open) && !open.text.includes(row.text)) {
    const text = `${open.text}\n${row.text}`;
    storage.addText(open.id, text, withText(open.delivery, text));
  }
  putDropped(row, { storage, now });
}

/** Known, and never posted. */
function putDropped(row: NewOutboxRow, { storage, now }: Pick<ReplyInboxParts, 'storage' | 'now'>) {
  storage.put(
    [{ ...row, delivery: deliveryStep(row.delivery, { type: 'drop' }), text: '' }],
    now(),
  );
}

function dropNotices(jobId: string, { storage, now }: ReplyInboxParts): void {
  for (const notice of storage.openNotices(jobId)) {
    if (isUntouched(notice)) drop(notice, storage, now());
  }
}

const isUntouched = ({ delivery }: OutboxEntry): boolean =>
  delivery.state === 'waiting' && delivery.context.offset === 0;

function drop(entry: OutboxEntry, storage: BridgeStorage, at: number): void {
  storage.save(entry.id, deliveryStep(entry.delivery, { type: 'drop' }), { endedAt: at });
}

/** We have told the person ourselves: the core's refusal of the same message says nothing new. */
const isRefusedAlready = ({ external_id: key }: Reply, storage: BridgeStorage): boolean =>
  key !== undefined && storage.seen(key) !== null && storage.openByKey(key) === null;

/** The core tells of a message that it could not take under the id that we gave it. */
function settleRefused({ external_id: key }: Reply, storage: BridgeStorage): void {
  const row = key === undefined ? null : storage.openByKey(key);
  if (row !== null) storage.move(row.id, 'apologised');
}
