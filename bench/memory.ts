/**
 * What the memory costs a message: the facts that fit it, with no fact, 100 and 10,000 facts of one person, on SQLite and on
 * PostgreSQL (a private server), and keeping and forgetting one. `node bench/memory.ts [facts]`. The facts are generated:
 * names, places and numbers in Korean and English sentences, whose common words nearly all of them share.
 */
import { Memories } from '#memory/memories';
import type { FactChange, MemoryStorage } from '#memory/memory-port';
import { factTerms } from '#memory/fact-terms';
import { createMemoryStore } from '#memory/store/memory-store';
import { createPostgresMemoryStore } from '#memory/store/postgres/postgres-memory-store';
import { systemClock } from '#shared/clock';
import { createIdSource } from '#shared/ids';
import { openDatabase } from '#storage/database';
import { postgresMissing, startPostgres } from '#test/support/postgres-server';
import { openPostgresWorker } from '#test/support/postgres-worker';
import { median, printTable, quantile, scratch } from './support/measure.ts';

const many = Number(process.argv[2] ?? 10_000);
const questions = [
  '내 강아지 이름이 뭐야?',
  '우리 집 와이파이 비밀번호 알려줘',
  'what is the code of locker 77 in building 12?',
  'my name and the name of my friend from place 4711',
  '그 친구 생일이 언제였지, 선물로 뭐가 좋을까?',
  '오늘 저녁에 뭐 먹지',
];
const rounds = 200;

const textOf = (n: number): string =>
  n % 2 === 0
    ? `내 친구 ${n}번의 이름은 이름${n % 977}이고 생일은 ${(n % 12) + 1}월이야`
    : `the name of my friend from place ${n} is number ${n % 977} of building ${n % 31}`;

async function fill(storage: MemoryStorage, userId: string, count: number): Promise<void> {
  const nextId = createIdSource();
  for (let from = 0; from < count; from += 500) {
    const changes = Array.from({ length: Math.min(500, count - from) }, (_, at): FactChange => {
      const text = textOf(from + at);
      const place = { createdBy: 'bench', channel: null, jobId: null };
      const state = { createdAt: from + at, forgottenAt: null, forgottenBy: null, revision: 1 };
      return {
        fact: { id: nextId(), userId, text, ...place, ...state },
        terms: factTerms(text),
        event: { type: 'kept', data: {} },
      };
    });
    await storage.commit(changes, count);
  }
}

async function measure(name: string, storage: MemoryStorage): Promise<(string | number)[][]> {
  const memories = new Memories({
    storage,
    jobs: { messageOf: async () => null, redact: async () => ({ open: [] }) },
    clock: systemClock,
    nextId: createIdSource(),
    perUserMax: many * 2,
    onChanged: () => undefined,
  });
  const rows: (string | number)[][] = [];
  for (const count of [0, 100, many]) {
    const userId = `user ${count}`;
    await fill(storage, userId, count);
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const question of questions) {
        const from = performance.now();
        await memories.fitting(userId, question, { count: 8, chars: 1_000 });
        if (round >= 20) times.push(performance.now() - from);
      }
    }
    rows.push([`${name}, ${count} facts`, ms(median(times)), ms(quantile(times, 0.95))]);
  }
  const changed: [number[], number[]] = [[], []];
  for (let n = 0; n < 50; n += 1) {
    const fact = { text: `a new fact with the number ${n}`, createdBy: 'bench' };
    const begin = performance.now();
    const { fact: kept } = await memories.keep({
      ...fact,
      userId: `user ${many}`,
      channel: null,
      jobId: null,
    });
    const middle = performance.now();
    await memories.forget(kept.userId, [kept.id], null);
    changed[0].push(middle - begin);
    changed[1].push(performance.now() - middle);
  }
  rows.push([`${name}, keep one`, ms(median(changed[0])), ms(quantile(changed[0], 0.95))]);
  rows.push([`${name}, forget one`, ms(median(changed[1])), ms(quantile(changed[1], 0.95))]);
  return rows;
}

const ms = (value: number): string => `${value.toFixed(3)} ms`;

const folder = scratch();
const database = await openDatabase({ path: `${folder.path}/memory.db` });
const rows = await measure('SQLite', createMemoryStore(database));
await database.close();
if (postgresMissing() === null) {
  const server = await startPostgres({});
  const worker = await openPostgresWorker({ url: server.urlOf(await server.createDatabase()) });
  await worker.takePartitions();
  rows.push(
    ...(await measure('PostgreSQL', createPostgresMemoryStore(worker.database, worker.writer))),
  );
  await worker.close();
  await server.remove();
}
printTable('The facts that fit a message', ['figure', 'p50', 'p95'], rows);
folder.remove();
