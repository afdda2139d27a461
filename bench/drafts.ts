/**
 * The cost of drafting and the delay it causes for foreground requests, on a real llama.cpp with one slot; without
 * llama.cpp, on a process-local server that answers at a fixed pace.
 *
 * - throughput: 20 memos drafted by the core, against the same requests sent straight to the server one by one.
 * - wait: a foreground request to the same server, from its sending to its whole answer, while drafts of about
 *   1,500 tokens follow each other; with preemption, without, and without drafts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { configSchema } from '#app/config/config';
import { startCore, type Core } from '#app/core';
import { draftRequests } from '#library/drafts/draft-prompt';
import { silentLog } from '#shared/log';
import { startFakeLlm } from '#test/support/fake-llm';
import { says } from '#test/support/fake-llm-replies';
import { prepareLlamaServer, startLlamaServer } from '#test/support/llama-server';
import { interleave, median, printTable, quantile, ratio, scratch } from './support/measure.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const memos = 20;
const questions = 8;
const goldenRatio = 0.618_034;

async function openServer(): Promise<{ baseUrl: string; close(): Promise<void>; name: string }> {
  if ((await prepareLlamaServer()).ok) {
    const server = await startLlamaServer({ model: 'tiny' });
    return { baseUrl: server.baseUrl, close: () => server.stop(), name: 'llama.cpp' };
  }
  const server = await startFakeLlm({ slots: 1, reply: says('w '.repeat(25), { wordMs: 5 }) });
  return { baseUrl: server.baseUrl, close: () => server.close(), name: 'a paced server' };
}

const server = await openServer();

async function openBench(preempts: boolean): Promise<{ core: Core; close(): Promise<void> }> {
  const folder = scratch();
  const core = await startCore({
    config: configSchema.parse({
      server: { port: 0 },
      database: `${folder.path}/gatehouse.db`,
      nats: { mode: 'off' },
      backends: [{ id: 'llama', baseUrl: server.baseUrl, model: 'tiny', kind: 'llama.cpp' }],
      gates: { preemptBackground: preempts },
      drafts: { intervalMs: 100, batch: 1_000, maxAttempts: 1 },
    }),
    log: silentLog(),
  });
  return {
    core,
    async close() {
      await core.stop();
      folder.remove();
    },
  };
}

const memoOf = (n: number): string =>
  `${n}. ${'a line of a rough memo with some words in it\n'.repeat(8)}`;

async function throughCore(): Promise<number> {
  const { core, close } = await openBench(true);
  const { memos: library, drafter, draftOverview } = core.drafts;
  await drafter.pause();
  for (let n = 0; n < memos; n += 1) {
    const { id } = await library.create('local', { text: memoOf(n) });
    await library.promote('local', id);
  }
  const from = performance.now();
  await drafter.resume();
  for (;;) {
    const { waiting, running } = await draftOverview();
    if (waiting.length === 0 && running === null) break;
    await sleep(5);
  }
  const ms = performance.now() - from;
  await close();
  return ms;
}

async function straight(): Promise<number> {
  const from = performance.now();
  for (let n = 0; n < memos; n += 1) {
    const [request] = draftRequests(memoOf(n)) ?? [];
    const { messages, temperature, maxTokens: max_tokens } = request!;
    const body = JSON.stringify({ messages, temperature, max_tokens, stream: true });
    const response = await fetch(`${server.baseUrl}/chat/completions`, { method: 'POST', body });
    await response.text();
  }
  return performance.now() - from;
}

/** Waiting times of foreground requests in ms while drafts follow each other. */
async function waits(load: 'none' | 'preempted' | 'not preempted'): Promise<number[]> {
  const { core, close } = await openBench(load === 'preempted');
  const { memos: library, drafter } = core.drafts;
  for (let n = 0; load !== 'none' && n < 100; n += 1) {
    // The answer to such a memo never ends: every draft runs to its output limit.
    const { id } = await library.create('local', { text: `#loop ${memoOf(n)}` });
    await library.promote('local', id);
  }
  const body = JSON.stringify({ model: 'llama', messages: [{ role: 'user', content: 'hello' }] });
  const measured: number[] = [];
  for (let n = 0; n < questions; n += 1) {
    while (load !== 'none' && drafter.running === null) await sleep(1);
    // Not in step with the drafts: a request comes at any moment of a draft.
    await sleep(200 + 800 * ((n * goldenRatio) % 1));
    const from = performance.now();
    const response = await fetch(`${core.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    await response.text();
    measured.push(performance.now() - from);
  }
  await close();
  return measured;
}

const speed = await interleave(rounds, { core: throughCore, straight });
const waited = await interleave(rounds, {
  'nothing to draft': () => waits('none'),
  'drafting, with preemption': () => waits('preempted'),
  'drafting, without preemption': () => waits('not preempted'),
});
await server.close();

const perMinute = (ms: readonly number[]): number => (memos * 60_000) / median(ms);
printTable(
  `Drafting on ${server.name} (medians of ${rounds} rounds)`,
  ['who asks', 'drafts per minute', 'to straight'],
  Object.entries(speed).map(([name, ms]) => [
    name,
    perMinute(ms).toFixed(0),
    ratio(perMinute(ms), perMinute(speed['straight']!)),
  ]),
);
const idle = median(waited['nothing to draft']!.flat());
printTable(
  "A person's question to the same server, until its whole answer",
  ['meanwhile', 'p50 ms', 'to idle', 'p95 ms', 'to idle'],
  Object.entries(waited).map(([name, ms]) => [
    name,
    median(ms.flat()).toFixed(0),
    ratio(median(ms.flat()), idle),
    quantile(ms.flat(), 0.95).toFixed(0),
    ratio(quantile(ms.flat(), 0.95), idle),
  ]),
);
process.exit(0);
