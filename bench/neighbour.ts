/**
 * The cost of one user's reads for another: how long a submit by bob takes while ann reads lists, texts, histories,
 * searches and exports as fast as her key allows, compared with the same without ann. The core is a process of its
 * own; its memory is that of the process (VmRSS).
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startFakeLlm } from '#test/support/fake-llm';
import { saysJson } from '#test/support/fake-llm-replies';
import { freePort } from '#test/support/free-port';
import { median, printTable, quantile, scratch } from './support/measure.ts';

/** Rounds alternate without and with ann; the times of all rounds form one sample, for a useful 99th percentile. */
const rounds = 5;
const roundMs = 8_000;
const betweenAcceptsMs = 100;
const keys = {
  operator: 'operator-of-the-bench',
  ann: 'key-of-ann-in-the-bench',
  bob: 'key-of-bob-in-the-bench',
};

const answer = '하늘이 파란 까닭을 길게 적은 답입니다. '.repeat(300);
const model = await startFakeLlm({ reply: saysJson({ action: 'direct', response: answer }) });
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
    backends: [{ id: 'model', baseUrl: model.baseUrl, model: 'm', kind: 'generic' }],
    roles: { classifier: 'model', reasoner: 'model' },
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

/** Adds ann's data: long messages with answers, and documents of 200 KB. With the operator key, which has no limit. */
async function fill(): Promise<void> {
  const long = '일정과 문서에 대한 긴 글입니다. '.repeat(400).slice(0, 7_900);
  for (let n = 0; n < 300; n += 1) {
    let response = await call(keys.operator, '/chat', { message: `${n} ${long}`, user_id: 'ann' });
    while (response.status === 429) {
      await pause(200);
      response = await call(keys.operator, '/chat', { message: `${n} ${long}`, user_id: 'ann' });
    }
  }
  const paragraphs = 'A paragraph of a long document, with words to be found. '.repeat(3_600);
  for (let n = 0; n < 100; n += 1) {
    await call(keys.operator, '/documents', {
      title: `Document ${n}`,
      text: paragraphs,
      user_id: 'ann',
    });
  }
}

/** Ann reads in a process of her own: response bodies of megabytes must not delay the clock of this process. */
function disturb(): { stop(): Promise<{ answers: number; megabytes: number }> } {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'neighbour-reader.ts'), url, keys.ann],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  return {
    async stop() {
      child.stdin.end();
      return JSON.parse(await text(child.stdout)) as { answers: number; megabytes: number };
    },
  };
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
  const reader = disturb();
  noisy.push(await accepts());
  came = await reader.stop();
  grown.push(rss() - before);
}
const figure = (share: number): [number, number] => [
  quantile(quiet.flat(), share),
  quantile(noisy.flat(), share),
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
    rowOf('accept p99', 0.99, '<= 2 x'),
    ['memory of the core', '', `+${median(grown).toFixed(0)} MB`, '', '<= 100 MB'],
  ],
);
core.kill('SIGTERM');
await model.close();
folder.remove();
process.exit(0);
