/**
 * Stores replies of the core in the outbox. A reply is acknowledged to the broker only when it is on disk.
 *
 * R1: each reply is posted at most once: its id is the key of its row.
 * R2: a reply and its consequences (its question is answered, its notices are dropped) are stored in one transaction:
 *     a redelivery must find all of it or nothing.
 * R3: a user sees at most one notice of a job, and none after its answer. Where posts can be changed, later notices
 *     replace its text.
 */
import type { BridgeStorage, NewOutboxRow, OutboxEntry } from '../bridge-storage-port.ts';
import type { Reply } from '#shared/wire/reply';
import type { Log } from '#shared/log';
import { localeOf, textsOf } from '#machines/texts';
import { applyDeliveryEvent, newDelivery, replaceText } from './delivery-transitions.ts';
import { resolveTarget, noTargetEvent } from './reply-routing.ts';
import type { ChannelAdapter } from '../channel-adapter-port.ts';

export interface ReplyReceiverParts {
  storage: BridgeStorage;
  adapter: Pick<ChannelAdapter, 'abilities' | 'targets' | 'format'>;
  /** A notice waits this long, so that an answer in this time replaces it. */
  noticeDelayMs: number;
  onStored(): void;
  now(): number;
  log: Log;
}

/** A flood of replies fills this, then the broker's queue; not the disk. */
const outboxMax = 5_000;

export function createReplyReceiver(parts: ReplyReceiverParts) {
  const { storage, log } = parts;
  return {
    receive(reply: Reply): 'done' | 'later' {
      if (storage.hasReply(reply.reply_id)) return 'done';
      if (storage.openCounts().outbox >= outboxMax) return 'later';
      const row = toOutboxRow(reply, parts);
      if (row.delivery.state === 'dead') {
        log.error({ reply: reply.reply_id, thread: reply.thread }, 'no chat is configured for it');
      }
      storage.transaction(() => store(reply, row, parts));
      parts.onStored();
      return 'done';
    },
  };
}
export type ReplyReceiver = ReturnType<typeof createReplyReceiver>;

function store(reply: Reply, row: NewOutboxRow, parts: ReplyReceiverParts): void {
  const { storage, now } = parts;
  if (row.delivery.state === 'dead') storage.insertOutbox([row], now());
  else if (reply.kind === 'notice') storeNotice(row, parts);
  else if (isRefusedAlready(reply, storage)) storeDropped(row, parts);
  else {
    storage.insertOutbox([row], now());
    dropNotices(reply.job_id, parts);
    storage.markJobAnswered(reply.job_id);
    closeRefusedMessage(reply, storage);
  }
}

function toOutboxRow(
  reply: Reply,
  { adapter, noticeDelayMs, now }: ReplyReceiverParts,
): NewOutboxRow {
  const { abilities, targets } = adapter;
  const chatUser = targets.chatUserOf(reply.user_id);
  const target = resolveTarget(targets.byThread(reply.thread ?? null), chatUser, targets);
  const cut = reply.truncated === true ? `\n${textsOf(localeOf(reply.text)).chatCut}` : '';
  const text = adapter.format(`${reply.text}${cut}`);
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
    buttons: (abilities.buttons ? reply.buttons : null) ?? null,
    replyToInboxId: null,
    delivery: target === null ? applyDeliveryEvent(delivery, noTargetEvent) : delivery,
    dueAt: now() + (reply.kind === 'notice' ? noticeDelayMs : 0),
  };
}

function storeNotice(row: NewOutboxRow, { storage, adapter, now }: ReplyReceiverParts): void {
  const jobId = row.jobId!;
  const [open] = storage.openNotices(jobId);
  const hasNotice = adapter.abilities.edits ? open !== undefined : storage.hasNotice(jobId);
  const isLate = hasNotice || storage.hasAnswer(jobId, row.n);
  if (!isLate) {
    storage.insertOutbox([row], now());
    return;
  }
  // Append to the notice that is not posted yet, for example the job's position in the queue.
  if (open !== undefined && isUntouched(open) && !open.text.includes(row.text)) {
    const text = `${open.text}\n${row.text}`;
    storage.appendText(open.id, text, replaceText(open.delivery, text));
  }
  storeDropped(row, { storage, now });
}

/** Stored as dropped: the id is known, and nothing is posted. */
function storeDropped(
  row: NewOutboxRow,
  { storage, now }: Pick<ReplyReceiverParts, 'storage' | 'now'>,
) {
  storage.insertOutbox(
    [{ ...row, delivery: applyDeliveryEvent(row.delivery, { type: 'drop' }), text: '' }],
    now(),
  );
}

function dropNotices(jobId: string, { storage, now }: ReplyReceiverParts): void {
  for (const notice of storage.openNotices(jobId)) {
    if (isUntouched(notice)) drop(notice, storage, now());
  }
}

const isUntouched = ({ delivery }: OutboxEntry): boolean =>
  delivery.state === 'waiting' && delivery.context.offset === 0;

function drop(entry: OutboxEntry, storage: BridgeStorage, at: number): void {
  storage.saveDelivery(entry.id, applyDeliveryEvent(entry.delivery, { type: 'drop' }), {
    endedAt: at,
  });
}

/** The bridge has already notified the user: the core's refusal of the same message adds nothing. */
const isRefusedAlready = ({ external_id: key }: Reply, storage: BridgeStorage): boolean =>
  key !== undefined &&
  storage.findInboxByKey(key) !== null &&
  storage.findUnansweredByKey(key) === null;

/** For a message that it refused, the core sends a reply with the id that the bridge gave it. */
function closeRefusedMessage({ external_id: key }: Reply, storage: BridgeStorage): void {
  const row = key === undefined ? null : storage.findUnansweredByKey(key);
  if (row !== null) storage.setInboxState(row.id, 'apologised');
}
