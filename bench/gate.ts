/**
 * The wait of a foreground request while background work keeps a one-slot server busy all the time, and the cost of
 * the queue itself: the gate compared with p-queue, with LiteLLM's rule and with no queue, in the same harness and in
 * one run. The last two columns are the same measurement with a real llama.cpp.
 *
 * - hand-off: from the end of one request to the start of the next, with a queue and work of zero length.
 * - wait: from the arrival of a foreground request to its start. Background requests of 40 ms, always four of them.
 * - background: background requests finished per second; shows the cost of preemption.
 * - first token: from the arrival of a foreground request, at llama.cpp, with three clients that request 32 tokens
 *   again and again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { prepareLlamaServer } from '#test/support/llama-server';
import {
  gatehouseLine,
  liteLlmLine,
  pQueueLine,
  straightLine,
  type OpenLine,
} from './support/lines.ts';
import { interleave, median, printTable, quantile, ratio } from './support/measure.ts';
import { llamaSlot, timedSlot, type SlotServer } from './support/slots.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);

const lines: Record<string, OpenLine> = {
  gatehouse: (drainMs) => gatehouseLine(true, drainMs),
  'gatehouse, no preemption': (drainMs) => gatehouseLine(false, drainMs),
  'p-queue': pQueueLine,
  "LiteLLM's rule": liteLlmLine,
  'straight to the server': straightLine,
};
const anchor = 'gatehouse';

/** Gaps in microseconds. A queue that polls gets fewer requests, because each takes milliseconds. */
async function handOffs(open: OpenLine, count: number): Promise<number[]> {
  const line = open(0);
  const gaps: number[] = [];
  let freeAt = Number.NaN;
  const work = async (): Promise<void> => {
    if (!Number.isNaN(freeAt)) gaps.push((performance.now() - freeAt) * 1000);
    await Promise.resolve();
    freeAt = performance.now();
  };
  await Promise.all(Array.from({ length: count }, () => line.run('foreground', work)));
  line.close();
  return gaps;
}

interface Load {
  backgroundWorkers: number;
  backgroundSize: number;
  people: number;
  personSize: number;
  pauseMs: number;
}

interface Waits {
  waitsMs: number[];
  backgroundPerSecond: number;
}

const goldenRatio = 0.618_034;

/** Endless background work, and foreground requests one by one. */
async function underLoad(open: OpenLine, server: SlotServer, load: Load): Promise<Waits> {
  const line = open(server.drainMs);
  const over = new AbortController();
  let finished = 0;
  const workers = Array.from({ length: load.backgroundWorkers }, async () => {
    while (!over.signal.aborted) {
      await line.run('background', async (signal) => {
        const either = AbortSignal.any([signal, over.signal]);
        await server
          .serve(load.backgroundSize, either, () => undefined)
          .catch((error: unknown) => {
            if (!over.signal.aborted) throw error;
          });
      });
      finished += 1;
    }
  });
  const from = performance.now();
  const waitsMs: number[] = [];
  for (let n = 0; n < load.people; n += 1) {
    // Not in step with the background work, and the same for every queue: a request comes at any moment of the work.
    await sleep(load.pauseMs * (0.5 + ((n * goldenRatio) % 1)));
    const arrivedAt = performance.now();
    await line.run('foreground', (signal) =>
      server.serve(load.personSize, signal, () => waitsMs.push(performance.now() - arrivedAt)),
    );
  }
  const backgroundPerSecond = (finished * 1000) / (performance.now() - from);
  over.abort();
  await Promise.all(workers);
  line.close();
  return { waitsMs, backgroundPerSecond };
}

const timed: Load = {
  backgroundWorkers: 4,
  backgroundSize: 40,
  people: 10,
  personSize: 10,
  pauseMs: 40,
};
const real: Load = {
  backgroundWorkers: 3,
  backgroundSize: 32,
  people: 4,
  personSize: 3,
  pauseMs: 300,
};

const each = <Figure>(measure: (open: OpenLine, name: string) => Promise<Figure>) =>
  Object.fromEntries(
    Object.entries(lines).map(([name, open]) => [name, () => measure(open, name)]),
  );

const gaps = await interleave(
  rounds,
  each((open, name) => {
    if (name === 'straight to the server') return Promise.resolve<number[]>([]);
    return handOffs(open, name === "LiteLLM's rule" ? 200 : 2_000);
  }),
);
const waits = await interleave(
  rounds,
  each((open) => underLoad(open, timedSlot(), timed)),
);
const prepared = await prepareLlamaServer();
const firstTokens: Record<string, Waits[]> = {};
if (prepared.ok) {
  const server = await llamaSlot();
  Object.assign(
    firstTokens,
    await interleave(
      1,
      each((open) => underLoad(open, server, real)),
    ),
  );
  await server.close();
}

const waitOf = (name: string, q: number): number =>
  quantile(
    waits[name]!.flatMap(({ waitsMs }) => waitsMs),
    q,
  );
const tokenOf = (name: string): number =>
  median((firstTokens[name] ?? []).flatMap(({ waitsMs }) => waitsMs));
const figure = (value: number, digits = 1): string =>
  Number.isNaN(value) ? '–' : value.toFixed(digits);
const beside = (value: number, other: number): string =>
  Number.isNaN(value) ? '–' : ratio(value, other);

printTable(
  `A person's wait behind saturating background work (medians of ${rounds} rounds)`,
  [
    'line',
    'hand-off µs',
    'wait ms',
    'p95',
    'to ours',
    'background /s',
    'llama.cpp: first token ms',
    'to ours',
  ],
  Object.keys(lines).map((name) => [
    name,
    figure(median(gaps[name]!.flat())),
    figure(waitOf(name, 0.5)),
    figure(waitOf(name, 0.95)),
    beside(waitOf(name, 0.5), waitOf(anchor, 0.5)),
    figure(median(waits[name]!.map((one) => one.backgroundPerSecond))),
    figure(tokenOf(name), 0),
    beside(tokenOf(name), tokenOf(anchor)),
  ]),
);
if (!prepared.ok) console.log(`without llama.cpp: ${prepared.reason}`);
