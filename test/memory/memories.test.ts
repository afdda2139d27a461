/** What the memory keeps, finds, forgets and erases, on a real database, with jobs that the test sets. */
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Memories, type NewFact } from '#memory/memories';
import type { JobTexts } from '#memory/eraser';
import type { MemoryStorage } from '#memory/memory-port';
import { createMemoryStore } from '#memory/store/memory-store';
import { createIdSource } from '#shared/ids';
import { openDatabase } from '#storage/database';

let storage: MemoryStorage;
let memories: Memories;
let jobs: { messages: Map<string, string>; open: string[]; redacted: string[]; changes: number };
const clock = { time: 1_000, now: () => (clock.time += 1_000) };

beforeEach(async () => {
  const database = await openDatabase({ path: ':memory:' });
  onTestFinished(() => database.close());
  storage = createMemoryStore(database);
  jobs = { messages: new Map(), open: [], redacted: [], changes: 0 };
  const texts: JobTexts = {
    messageOf: async (id) => jobs.messages.get(id) ?? null,
    async redact(_user, secrets) {
      jobs.redacted.push(...secrets);
      return { open: secrets.filter((one) => jobs.open.includes(one)) };
    },
  };
  memories = new Memories({
    storage,
    jobs: texts,
    clock,
    nextId: createIdSource(),
    perUserMax: 3,
    onChanged: () => (jobs.changes += 1),
  });
});

const told = (text: string, more: Partial<NewFact> = {}) =>
  memories.keep({ userId: 'ann', text, createdBy: 'chat', channel: 'http', jobId: null, ...more });
const found = async (question: string, bounds = { count: 8, chars: 1_000 }) =>
  (await memories.fitting('ann', question, bounds)).map(({ text }) => text);

describe('keeping', () => {
  test('a call that is repeated keeps one fact, also when its text was known before', async () => {
    const first = await told('나는 왼손잡이야', { idempotencyKey: 'k' });
    expect(await told('나는 왼손잡이야', { idempotencyKey: 'k' })).toEqual({
      ...first,
      isNew: false,
    });
    expect(await told('나는  왼손잡이야')).toEqual({ ...first, isNew: false });
    expect(jobs.changes).toBe(1);
  });

  test('a call that is repeated after the forgetting keeps nothing', async () => {
    const { fact } = await told('나는 왼손잡이야', { idempotencyKey: 'k' });
    await memories.forget('ann', [fact.id], null);
    await memories.erase(null);
    expect(await told('나는 왼손잡이야', { idempotencyKey: 'k' })).toMatchObject({
      isNew: false,
      fact: { text: '' },
    });
    expect(await memories.list('ann', null, 9)).toEqual([]);
    // Said again, it is a new fact.
    expect(await told('나는 왼손잡이야', { idempotencyKey: 'l' })).toMatchObject({ isNew: true });
  });

  test('what is no fact is refused, and the limit holds until one is forgotten', async () => {
    for (const text of ['', ' !? ', 'abc', 'x'.repeat(501)]) {
      await expect(told(text)).rejects.toMatchObject({ code: 'GH_MEMORY_INVALID' });
    }
    const { fact } = await told('fact one');
    await told('fact two');
    await told('fact three');
    await expect(told('fact four')).rejects.toMatchObject({ code: 'GH_MEMORY_LIMIT' });
    // A known one is found, not refused.
    expect(await told('fact two')).toMatchObject({ isNew: false });
    await memories.forget('ann', [fact.id], null);
    expect(await told('fact four')).toMatchObject({ isNew: true });
  });
});

describe('finding', () => {
  test('all facts that fit are found, the best fit first', async () => {
    await told('내 강아지 이름은 보리야');
    await told('강아지 병원은 행복동물병원');
    await told('우리 집 와이파이 비번은 abc123');
    expect(await found('강아지 병원이 어디였지?')).toEqual([
      '강아지 병원은 행복동물병원',
      '내 강아지 이름은 보리야',
    ]);
    expect(await found('와이파이 비번 뭐야')).toEqual(['우리 집 와이파이 비번은 abc123']);
  });

  test.each([
    ['내 생일은 5월 3일이야', '생일이 언제야?', true],
    ['내 생일은 5월 3일이야', '내 생일에 뭐 하지', true],
    ['나는 땅콩 알레르기가 있어', '땅콩버터 먹어도 돼?', true],
    ['나는 땅콩 알레르기가 있어', '오늘 날씨 어때?', false],
    ['I am allergic to peanuts', 'Is a peanut in it?', true],
    ['my dogs are called Bori and Duri', 'what is my dog called?', true],
    ['my locker code is 4711', 'what is the code of my locker', true],
    ['my locker code is 4711', 'what is my name', false],
    ['회사 주소는 판교역로 10', '회사까지 얼마나 걸려?', true],
    ['the bins are emptied on mondays', 'When is the bin emptied?', true],
  ])('"%s" fits "%s": %s', async (fact, question, isFit) => {
    await told(fact);
    expect(await found(question)).toEqual(isFit ? [fact] : []);
  });

  test('a question without words, or with words of no fact, finds none', async () => {
    await told('내 강아지 이름은 보리야');
    for (const question of ['', '?', '뭐야', 'what is it', '\0', '%_"', '기억해?']) {
      expect(await found(question)).toEqual([]);
    }
  });

  test('the bounds hold: a fact that does not fit into the room is left out, a shorter one is not', async () => {
    await told(`cat ${'very '.repeat(20)}fluffy`);
    await told('cat sleeps');
    await told('cat eats');
    expect(await found('cat fluffy', { count: 8, chars: 40 })).toEqual(['cat eats', 'cat sleeps']);
    expect(await found('cat', { count: 1, chars: 1_000 })).toHaveLength(1);
  });
});

describe('forgetting', () => {
  test('reaches only the facts of the person, once', async () => {
    const { fact } = await told('my locker code is 4711');
    expect(await memories.forget('bob', [fact.id], null)).toEqual([]);
    expect(await memories.forget('ann', [fact.id, fact.id, 'unknown'], 'job')).toHaveLength(1);
    expect(await memories.forget('ann', [fact.id], null)).toEqual([]);
    await expect(memories.get(fact.id)).rejects.toMatchObject({ code: 'GH_MEMORY_NOT_FOUND' });
    expect(await found('locker code')).toEqual([]);
  });

  test('erases the text, and the messages that have it in another form', async () => {
    jobs.messages.set('told', '기억해:\n내 차는  “붕붕이”야');
    jobs.messages.set('asked', '붕붕이라는 내 차 잊어줘');
    jobs.messages.set('number', '2번 잊어줘');
    const { fact } = await told('내 차는 "붕붕이"야', { jobId: 'told' });
    const { fact: other } = await told('열쇠는 화분 밑에 있어', { jobId: 'gone' });
    await memories.forget('ann', [fact.id], 'asked');
    await memories.forget('ann', [other.id], 'number');
    expect(await memories.erase('ann')).toBe(2);
    expect(jobs.redacted).toEqual([
      '내 차는 "붕붕이"야',
      '기억해:\n내 차는  “붕붕이”야',
      '붕붕이라는 내 차 잊어줘',
      '열쇠는 화분 밑에 있어',
    ]);
    expect(await storage.find(fact.id)).toMatchObject({ text: '' });
    expect(await memories.erase(null)).toBe(0);
  });

  test('waits for an open job that has the text, and hides it meanwhile', async () => {
    const { fact } = await told('my locker code is 4711');
    await memories.forget('ann', [fact.id], null);
    jobs.open = ['my locker code is 4711'];
    expect(await memories.erase('ann')).toBe(0);
    const redact = await memories.redactorOf('ann');
    expect(redact('You said: my locker code is 4711.')).toBe('You said: [forgotten].');
    expect((await memories.redactorOf('bob'))('my locker code is 4711')).toContain('4711');
    jobs.open = [];
    expect(await memories.erase(null)).toBe(1);
    expect((await memories.redactorOf('ann'))('my locker code is 4711')).toContain('4711');
  });
});
