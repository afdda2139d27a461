/** A reply and its consequences are stored in one transaction; replies are in order. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { applyDeliveryEvent, newDelivery } from '#channels/outbox/delivery-transitions';
import { createSystemNotice } from '#channels/system-notices';
import { createReplyReceiver } from '#channels/outbox/reply-receiver';
import { openSynology } from '#channels/synology/synology-channel';
import { configSchema } from '#app/config/config';
import type { BridgeStorage, NewOutboxRow } from '#channels/bridge-storage-port';
import type { Reply } from '#shared/wire/reply';
import { silentLog } from '#shared/log';
import { openBridgeDatabase } from '#channels/store/bridge-database';
import { createBridgeStore } from '#channels/store/bridge-store';
import { folderForTest } from '#test/events/nats-fixture';

function store(): BridgeStorage {
  const database = openBridgeDatabase(join(folderForTest(), 'synology.db'));
  onTestFinished(() => database.close());
  return createBridgeStore(database, Date.now);
}

const adapter = openSynology(
  {
    ...configSchema.parse({}).synology,
    incomingUrl: 'http://127.0.0.1:9/webapi/entry.cgi?method=chatbot',
    token: 'k'.repeat(64),
    allowedUserIds: [4],
  },
  {},
  silentLog(),
);

const inbox = (storage: BridgeStorage) =>
  createReplyReceiver({
    storage,
    adapter,
    noticeDelayMs: 60_000,
    onStored: () => undefined,
    now: Date.now,
    log: silentLog(),
  });

const person = { target: 'main', lane: 'main/4', chatUser: '4', userId: '4' };

test('a reply whose transaction failed is stored completely when it is delivered again', () => {
  const storage = store();
  const question = { key: 'post-1', kind: 'message' as const, text: '안녕', ...person };
  storage.insertInbox([{ ...question, click: null, file: null, attachment: null }], Date.now());
  storage.setInboxState(storage.findUnansweredByKey('post-1')!.id, 'accepted', {
    jobId: 'j1',
    afterSeq: 0,
  });
  const reply: Reply = {
    reply_id: 'j1:5',
    job_id: 'j1',
    user_id: '4',
    channel: 'synology',
    n: 5,
    kind: 'final',
    text: '답',
  };
  inbox(storage).receive({ ...reply, reply_id: 'j1:2', n: 2, kind: 'notice', text: '잠시만요' });
  const failing = inbox({
    ...storage,
    markJobAnswered() {
      throw new Error('the disk is full');
    },
  });
  expect(() => failing.receive(reply)).toThrow('the disk is full');
  expect(storage.openCounts()).toEqual({ inbox: 1, outbox: 1 });
  expect(inbox(storage).receive(reply)).toBe('done');
  expect(storage.openCounts()).toEqual({ inbox: 0, outbox: 1 });
  expect(storage.nextPerLane().map(({ text }) => text)).toEqual(['답']);
});

/** Messages that the core has accepted, and its replies to them. */
function talk() {
  const storage = store();
  return {
    storage,
    ask(key: string, jobId: string, afterSeq: number): void {
      const question = { key, kind: 'message' as const, text: key, ...person };
      storage.insertInbox([{ ...question, click: null, file: null, attachment: null }], Date.now());
      storage.setInboxState(storage.findUnansweredByKey(key)!.id, 'accepted', { jobId, afterSeq });
    },
    take(jobId: string, n: number, text: string, kind: 'draft' | 'final' = 'final'): void {
      const reply = { reply_id: `${jobId}:${n}`, job_id: jobId, user_id: '4', n, text };
      inbox(storage).receive({ ...reply, channel: 'synology', kind });
    },
  };
}

test('the answer to a confirmation of a draft does not overtake the answer to an earlier question', () => {
  const { storage, ask, take } = talk();
  const next = (): string | undefined => storage.nextPerLane()[0]?.text;
  const end = (): void => storage.saveDelivery(storage.nextPerLane()[0]!.id, sent, { endedAt: 1 });
  const sent = { ...newDelivery(''), state: 'sent' as const };
  ask('m1', 'draft', 0);
  take('draft', 5, '초안', 'draft');
  // The chat is unreachable: the draft is posted after all later replies arrived.
  ask('m2', 'other', 0);
  take('other', 9, '둘째 질문의 답');
  ask('m3', 'draft', 5);
  take('draft', 9, '확인의 답');
  expect(next()).toBe('초안');
  end();
  expect(next()).toBe('둘째 질문의 답');
  end();
  expect(next()).toBe('확인의 답');
});

test('the answer to a question keeps the place of the question if a later cancel came too late', () => {
  const { storage, ask, take } = talk();
  ask('m1', 'first', 0);
  ask('m2', 'second', 0);
  // "취소" (cancel) arrives when the first job is about to end.
  ask('m3', 'first', 4);
  take('second', 5, '둘째 질문의 답');
  take('first', 6, '첫 질문의 답');
  expect(storage.nextPerLane()[0]?.text).toBe('첫 질문의 답');
});

test('the next reply of each lane is a partly posted reply, else the reply to the earliest message', () => {
  const storage = store();
  const row = (name: string, lane: string, place: number): NewOutboxRow => ({
    ...createSystemNotice({ ...person, lane }, name, 'final', name, 0),
    replyToInboxId: place,
  });
  const many = Array.from({ length: 100 }, (_, n) => row(`b${n}`, 'main/5', 100 + n));
  storage.insertOutbox([row('late', 'main/4', 2), row('early', 'main/4', 1), ...many], 0);
  const next = (): string[] => storage.nextPerLane().map(({ text }) => text);
  expect(next().toSorted()).toEqual(['b0', 'early']);
  const late = storage.nextPerLane().find(({ lane }) => lane === 'main/4')!;
  const begun = { ...late.delivery, context: { ...late.delivery.context, offset: 2 } };
  storage.saveDelivery(late.id - 1, begun, {});
  expect(next().toSorted()).toEqual(['b0', 'late']);
  // In a long lane only the oldest replies are compared.
  storage.insertOutbox([row('stray', 'main/5', 1)], 0);
  expect(next()).not.toContain('stray');
  for (const { id } of storage.nextPerLane()) storage.saveDelivery(id, begun, { endedAt: 1 });
  expect(next().toSorted()).toEqual(['b1', 'early']);
});

test('a notice replaces only a posted notice of its job in the same lane', () => {
  const storage = store();
  const notice = (id: string, lane: string): NewOutboxRow => ({
    ...createSystemNotice({ ...person, lane }, id, 'notice', '잠시만요', 0),
    jobId: 'j1',
  });
  storage.insertOutbox([notice('a', 'main/4'), notice('b', 'work/4'), notice('c', 'hall/4')], 0);
  for (const { id, lane, delivery } of storage.openReplies().slice(0, 2)) {
    const sending = applyDeliveryEvent(delivery, { type: 'send', next: 4 });
    const posted = applyDeliveryEvent(sending, { type: 'posted', postId: `post in ${lane}` });
    storage.saveDelivery(id, posted, { endedAt: 1 });
  }
  const found = ['main/4', 'work/4', 'hall/4'].map((lane) => storage.postedNotice('j1', lane));
  expect(found).toEqual(['post in main/4', 'post in work/4', null]);
  expect(storage.postedNotice('j2', 'main/4')).toBeNull();
});
