/**
 * What one person's lists cost another: how long an accept of bob takes while ann reads lists, texts, histories,
 * searches and exports as fast as her key allows, against the same without her. The core is a process of its own;
 * its memory is that of the process (VmRSS).
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../test/support/free-port.ts';
import { median, printTable, quantile, scratch } from './support/measure.ts';

const rounds = 3;
const roundMs = 8_000;
const betweenAcceptsMs = 100;
const keys = {
  operator: 'operator-of-the-bench',
  ann: 'key-of-ann-in-the-bench',
  bob: 'key-of-bob-in-the-bench',
};

const folder = scratch();
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const config = join(folder.path, 'gatehouse.json');
writeFileSync(
  config,
  JSON.stringify({
    server: {
      port,
      apiKeys: [keys.operator, { key: keys.ann, user: 'ann' }, { key: keys.bob, user: 'bob' }],
    },
    database: join(folder.path, 'gatehouse.db'),
    nats: { mode: 'off' },
    logging: { level: 'error' },
  }),
);
const gatehouse = join(import.meta.dirname, '..', 'src', 'cli', 'gatehouse.ts');
const core = spawn(process.execPath, [gatehouse, 'serve', '--config', config], {
  stdio: 'inherit',
});
process.once('exit', () => core.kill('SIGKILL'));

const call = (key: string, path: string, body?: object): Promise<Response> =>
  fetch(url + path, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function untilReady(): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const response = await fetch(`${url}/healthz`).catch(() => null);
    if (response?.ok === true) return;
    await pause(100);
  }
  throw new Error('the core does not start');
}

/** Ann's things: long messages with their answers, and documents of 200 KB. By the operator, whom no limit holds. */
async function fill(): Promise<void> {
  const long = '일정과 문서에 대한 긴 글입니다. '.repeat(400).slice(0, 7_900);
  for (let n = 0; n < 300; n += 1) {
    let response = await call(keys.operator, '/chat', { message: `${n} ${long}`, user_id: 'ann' });
    while (response.status === 429) {
      await pause(200);
      response = await call(keys.operator, '/chat', { message: `${n} ${long}`, user_id: 'ann' });
    }
  }
  const text = 'A paragraph of a long document, with words to be found. '.repeat(3_600);
  for (let n = 0; n < 100; n += 1) {
    await call(keys.operator, '/documents', { title: `Document ${n}`, text, user_id: 'ann' });
  }
}

const noise = [
  '/jobs?limit=500&texts=1',
  '/jobs?limit=500',
  '/documents?limit=500&texts=1',
  '/documents/search?q=paragraph&limit=50',
  '/calendar.ics',
  '/memos?limit=500&texts=1',
];

/** Eight requests at once; what is refused waits as long as it is told. Returns how much came. */
async function disturb(signal: AbortSignal): Promise<{ answers: number; megabytes: number }> {
  const told = { answers: 0, megabytes: 0 };
  const lane = async (n: number): Promise<void> => {
    for (let at = n; !signal.aborted; at += 1) {
      const response = await call(keys.ann, noise[at % noise.length]!);
      const body = await response.arrayBuffer();
      told.answers += response.ok ? 1 : 0;
      told.megabytes += body.byteLength / 1e6;
      const wait = Number(response.headers.get('retry-after') ?? 0) * 1000;
      if (response.status === 429) await pause(Math.min(wait, 1_000));
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, n) => lane(n)));
  return told;
}

async function accepts(): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + roundMs;
  while (performance.now() < end) {
    const from = performance.now();
    const response = await call(keys.bob, '/chat', { message: '안녕' });
    await response.arrayBuffer();
    if (response.status === 202) times.push(performance.now() - from);
    await pause(betweenAcceptsMs);
  }
  return times;
}

const rss = (): number => {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${core.pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) / 1024;
};
await untilReady();
await fill();
await accepts();
const quiet: number[][] = [];
const noisy: number[][] = [];
const grown: number[] = [];
let came = { answers: 0, megabytes: 0 };
for (let round = 0; round < rounds; round += 1) {
  quiet.push(await accepts());
  const before = rss();
  const stop = new AbortController();
  const disturbing = disturb(stop.signal);
  noisy.push(await accepts());
  stop.abort();
  came = await disturbing;
  grown.push(rss() - before);
}
const figure = (share: number): [number, number] => [
  median(quiet.map((times) => quantile(times, share))),
  median(noisy.map((times) => quantile(times, share))),
];
const rowOf = (name: string, share: number, goal: string): string[] => {
  const [without, beside] = figure(share);
  return [
    name,
    `${without.toFixed(1)} ms`,
    `${beside.toFixed(1)} ms`,
    `${(beside / without).toFixed(2)} x`,
    goal,
  ];
};
printTable(
  `An accept of bob beside ann (${came.answers} answers, ${came.megabytes.toFixed(0)} MB in the last round)`,
  ['figure', 'without', 'beside', 'ratio', 'goal'],
  [
    rowOf('accept p50', 0.5, ''),
    rowOf('accept p99', 0.99, '< 2 x'),
    ['memory of the core', '', `+${median(grown).toFixed(0)} MB`, '', '< 100 MB'],
  ],
);
core.kill('SIGTERM');
folder.remove();
process.exit(0);
