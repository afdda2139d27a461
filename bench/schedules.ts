/**
 * 100,000 schedules in a core: what they cost at the start and at rest, and 1,000 reminders that are due in the same minute,
 * while people ask questions that the rules answer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { configSchema } from '#app/config/config';
import { startCore, type Core } from '#app/core';
import { newState } from '#schedules/due-occurrences';
import { createScheduleStore } from '#schedules/store/schedule-store';
import type { Schedule } from '#schedules/schedule';
import { silentLog } from '#shared/log';
import { openDatabase } from '#storage/database';
import { startFakeLlm } from '#test/support/fake-llm';
import { median, printTable, quantile, ratio, scratch, startCpu } from './support/measure.ts';

const many = 100_000;
const dueAtOnce = 1_000;
const people = 500;
const rounds = 3;

const llm = await startFakeLlm();
const folder = scratch();
const path = (name: string): string => `${folder.path}/${name}.db`;
const open = (name: string): Promise<Core> =>
  startCore({
    config: configSchema.parse({
      server: { port: 0 },
      database: path(name),
      nats: { mode: 'off' },
      timezone: 'Asia/Seoul',
      backends: [{ id: 'small', baseUrl: llm.baseUrl, model: 'm' }],
    }),
    log: silentLog(),
  });

/** A daily reminder of one of the people. */
function schedule(n: number, nextAt: number): Schedule {
  const zone = 'Asia/Seoul';
  const wall = nextAt + 9 * 3_600_000;
  const time = new Date(wall);
  return {
    id: `S${String(n).padStart(9, '0')}`,
    userId: `user${n % people}`,
    channel: 'synology',
    thread: null,
    kind: 'reminder',
    text: `reminder ${n}`,
    rule: { cron: `${time.getUTCMinutes()} ${time.getUTCHours()} * * *` },
    zone,
    start: null,
    end: null,
    count: null,
    catchUp: 'once-late',
    catchUpMs: 86_400_000,
    pauseOnFailures: 0,
    overlap: 'skip',
    createdBy: 'http',
    ...newState(Date.now()),
    cursor: wall - 1,
    nextAt,
    nextWall: wall,
  };
}

async function fill(name: string, first: number, count: number, nextAt: number): Promise<void> {
  const database = await openDatabase({ path: path(name) });
  const store = createScheduleStore(database);
  for (let from = 0; from < count; from += 1_000) {
    const size = Math.min(1_000, count - from);
    const made = Array.from({ length: size }, (_, n) => schedule(first + from + n, nextAt));
    await store.commit(made.map((one) => ({ schedule: one, occurrence: null, events: [] })));
  }
  await database.close();
}

async function startMs(name: string): Promise<number> {
  const from = performance.now();
  const core = await open(name);
  while (core.schedules.worker.state !== 'waiting') await sleep(1);
  const ms = performance.now() - from;
  await core.stop();
  return ms;
}

const heap = (): number => {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

/** Times in ms of questions that a rule answers, one after another, until `isOver`. */
async function ask(core: Core, isOver: () => Promise<boolean>): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; !(await isOver()); n += 1) {
    const from = performance.now();
    const response = await fetch(`${core.url}/chat?wait=10`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: '지금 몇 시야?', user_id: `asker${n % 10}` }),
    });
    await response.text();
    times.push(performance.now() - from);
  }
  return times;
}

const whole = (at: number): number => Math.floor(at / 60_000) * 60_000;
await (await open('empty')).stop();
await (await open('full')).stop();
// Tomorrow: none is due while the start and the rest are measured.
await fill('full', 0, many, whole(Date.now()) + 20 * 3_600_000);

const starts = { empty: [] as number[], full: [] as number[] };
for (let round = 0; round < rounds; round += 1) {
  starts.empty.push(await startMs('empty'));
  starts.full.push(await startMs('full'));
}

const base = await open('empty');
await sleep(500);
const without = heap();
const quiet = await ask(base, countTo(200));
const idleWithout = await idleShare();
await base.stop();

const core = await open('full');
while (core.schedules.worker.state !== 'waiting') await sleep(1);
await sleep(500);
const perSchedule = (heap() - without) / many / 1024;
const idle = await idleShare();
await core.stop();

// Due at once: at the next start all of them are late by some minutes, and go out together.
await fill('full', many, dueAtOnce, whole(Date.now()) - 120_000);
const waking = await open('full');
const from = performance.now();
const { schedules } = waking.schedules;
const isSettled = async (): Promise<boolean> => {
  const last = `S${String(many + dueAtOnce - 1).padStart(9, '0')}`;
  return (await schedules.get(last)).settled > 0;
};
const busy = await ask(waking, isSettled);
const allMs = performance.now() - from;
const rest = await ask(waking, countTo(100));
await waking.stop();
await llm.close();
folder.remove();

/** CPU of the process in percent, over 20 s. */
async function idleShare(): Promise<number> {
  await sleep(2_000);
  const cpu = startCpu();
  await sleep(20_000);
  return (cpu.stop() / 20_000_000) * 100;
}

function countTo(most: number): () => Promise<boolean> {
  let count = 0;
  return async () => (count += 1) > most;
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;
printTable(
  `${many} schedules`,
  ['figure', 'measured', 'goal'],
  [
    ['start: more than without', ms(median(starts.full) - median(starts.empty)), '<= 500 ms'],
    ['heap per schedule', `${perSchedule.toFixed(4)} KiB`, '<= 0.1 KiB'],
    ['idle CPU', `${idle.toFixed(2)} % (without: ${idleWithout.toFixed(2)} %)`, '<= 0.5 %'],
    [`${dueAtOnce} due at once: all are sent after`, ms(allMs), ''],
    ['a question, p50, without schedules', ms(median(quiet)), ''],
    ['p95, without schedules', ms(quantile(quiet, 0.95)), ''],
    [`p95, while ${dueAtOnce} go out (${busy.length} questions)`, ms(quantile(busy, 0.95)), ''],
    ['longest, while they go out', ms(Math.max(...busy)), ''],
    ['p50 after them', `${ms(median(rest))}, ${ratio(median(rest), median(quiet))}`, ''],
  ],
);
process.exit(0);
