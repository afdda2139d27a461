/** Single behaviours of a gate that several workers share, under virtual time. */
import { expect, test } from 'vitest';
import { GateNetwork, timing } from './gate-network.ts';

async function setUp(concurrency = 1): Promise<GateNetwork> {
  const network = new GateNetwork(concurrency);
  for (const id of ['a', 'b', 'c']) network.addWorker(id);
  network.takeOver('a', 'lost');
  await network.advance(10_000);
  return network;
}

const background = { priority: 'background', preemptible: true } as const;

test('two workers never hold the one slot of a shared gate at once', async () => {
  const network = await setUp();
  const first = network.ask('b', 'first');
  const second = network.ask('c', 'second');
  await network.advance(50);
  expect(network.grants).toEqual(['first']);
  network.end(first);
  await network.advance(50);
  expect(network.grants).toEqual(['first', 'second']);
  expect(second.outcomes).toEqual(['granted']);
});

test('a foreground request of one worker preempts the draft of another, which comes back', async () => {
  const network = await setUp();
  const draft = network.ask('b', 'draft', background);
  await network.advance(50);
  const question = network.ask('c', 'question');
  await network.advance(50);
  expect(draft.outcomes).toEqual(['granted', 'preempted']);
  network.end(question);
  await network.advance(50);
  expect(draft.outcomes).toEqual(['granted', 'preempted', 'granted']);
});

test('a speculative request of one worker makes way for any request of another', async () => {
  const network = await setUp();
  const early = network.ask('b', 'early', { speculative: true });
  await network.advance(50);
  const draft = network.ask('c', 'draft', background);
  await network.advance(50);
  expect(early.outcomes).toEqual(['granted', 'preempted']);
  expect(draft.outcomes).toEqual(['granted']);
  const late = network.ask('b', 'late', { speculative: true });
  await network.advance(50);
  expect(late.outcomes).toEqual(['queue_full']);
});

test('an adopted request of a worker keeps its slot, also under the next arbiter', async () => {
  const network = await setUp();
  const early = network.ask('b', 'early', { speculative: true });
  await network.advance(50);
  network.adopt(early);
  await network.advance(50);
  network.ask('c', 'question');
  await network.advance(50);
  network.takeOver('c', 'clean');
  await network.advance(50);
  network.ask('b', 'another');
  await network.advance(50);
  expect(early.outcomes).toEqual(['granted']);
  network.end(early);
  await network.advance(50);
  expect(network.grants).toEqual(['early', 'question']);
});

test('a speculative request that was aborted at the moment of its adoption waits again', async () => {
  const network = await setUp();
  const early = network.ask('b', 'early', { speculative: true });
  await network.advance(50);
  network.delayMaxMs = 0;
  const question = network.ask('c', 'question');
  network.adopt(early);
  await network.advance(50);
  expect(early.outcomes[0]).toBe('granted');
  network.end(question);
  network.end(early);
  await network.advance(50);
  expect(network.holders().length).toBeLessThanOrEqual(1);
  expect(new Set(network.grants)).toEqual(new Set(['early', 'question']));
});

test('a waiting request on another worker is notified of its position', async () => {
  const network = await setUp();
  network.ask('b', 'first');
  await network.advance(50);
  const positions: number[] = [];
  network.ask('c', 'second', { onQueued: ({ ahead }) => positions.push(ahead) });
  await network.advance(50);
  await new Promise((resolve) => setImmediate(resolve));
  await network.advance(1_100);
  expect(positions).toEqual([1]);
});

test('without an arbiter a request waits until its deadline and is refused', async () => {
  const network = new GateNetwork(1);
  network.addWorker('a');
  const request = network.ask('a', 'late', { deadlineAt: network.time.now() + 3_000 });
  await network.advance(2_900);
  expect(request.outcomes).toEqual([]);
  await network.advance(200);
  expect(request.outcomes).toEqual(['deadline']);
});

test('after the death of the arbiter running requests go on, and nothing is granted until its last permit has ended', async () => {
  const network = await setUp();
  const running = network.ask('b', 'running');
  const waiting = network.ask('c', 'waiting');
  await network.advance(50);
  network.killWorker('a');
  network.takeOver('c', 'lost', timing.beatMs);
  await network.advance(50);
  network.end(running);
  await network.advance(timing.gate.permitMs + timing.beatMs - 100);
  expect(waiting.outcomes).toEqual([]);
  await network.advance(100);
  expect(waiting.outcomes).toEqual(['granted']);
  expect(running.outcomes).toEqual(['granted']);
});

test('the time for which the previous arbiter has been silent counts for the quiet time', async () => {
  const network = await setUp();
  const waiting = network.ask('c', 'waiting');
  network.killWorker('a');
  await network.advance(timing.goneAfterMs);
  network.takeOver('c', 'lost', timing.muteAfterMs - timing.goneAfterMs);
  const leftMs = timing.gate.quietMs - timing.goneAfterMs;
  await network.advance(leftMs - 100);
  expect(waiting.outcomes).toEqual([]);
  await network.advance(100);
  expect(waiting.outcomes).toEqual(['granted']);
});

test('a new arbiter adopts a running request: its slot is not given away', async () => {
  const network = await setUp();
  const running = network.ask('b', 'running');
  await network.advance(50);
  const waiting = network.ask('c', 'waiting');
  network.killWorker('a');
  network.takeOver('c', 'lost');
  await network.advance(60_000);
  expect(running.outcomes).toEqual(['granted']);
  expect(waiting.outcomes).toEqual([]);
  network.end(running);
  await network.advance(50);
  expect(waiting.outcomes).toEqual(['granted']);
});

test('a clean handover grants at once', async () => {
  const network = await setUp();
  const running = network.ask('b', 'running');
  const waiting = network.ask('c', 'waiting');
  await network.advance(50);
  network.takeOver('c', 'clean');
  await network.advance(1_100);
  network.end(running);
  await network.advance(100);
  expect(waiting.outcomes).toEqual(['granted']);
});

test('a takeover keeps the order by age, and foreground before background', async () => {
  const network = await setUp();
  const running = network.ask('b', 'running');
  for (const [worker, name, more] of [
    ['c', 'draft 1', background],
    ['b', 'question 1', {}],
    ['c', 'question 2', {}],
    ['b', 'draft 2', background],
  ] as const) {
    await network.advance(100);
    network.ask(worker, name, more);
  }
  await network.advance(100);
  network.killWorker('a');
  network.takeOver('c', 'lost');
  await network.advance(10_100);
  network.end(running);
  for (let turn = 0; turn < 5; turn += 1) {
    await network.advance(100);
    for (const holder of network.holders()) network.end(holder);
  }
  expect(network.grants).toEqual(['running', 'question 1', 'question 2', 'draft 1', 'draft 2']);
});

test('a worker that is cut off aborts its request before its slot is given to another', async () => {
  const network = await setUp();
  const cut = network.ask('b', 'cut');
  await network.advance(50);
  const waiting = network.ask('c', 'waiting');
  network.cutOff.add('b');
  await network.advance(6_000);
  expect(cut.outcomes).toEqual(['granted']);
  await network.advance(1_000);
  expect(cut.outcomes).toEqual(['granted', 'expired']);
  expect(waiting.outcomes).toEqual([]);
  await network.advance(2_500);
  expect(waiting.outcomes).toEqual(['granted']);
  expect(network.violations).toEqual([]);
});

test('a request beyond maxQueue is refused on every worker', async () => {
  const network = await setUp();
  const all = Array.from({ length: 66 }, (_, n) => network.ask(n % 2 ? 'b' : 'c', `r${n}`));
  await network.advance(1_500);
  expect(all.filter(({ outcomes }) => outcomes[0] === 'queue_full').length).toBe(1);
});

test('a stopped gate refuses its waiting requests and leaves no timer', async () => {
  const network = new GateNetwork(1);
  network.addWorker('a');
  const waiting = network.ask('a', 'waiting');
  await network.advance(50);
  network.workers.get('a')?.stop();
  await network.advance(50);
  expect(waiting.outcomes).toEqual(['cancelled']);
  await network.advance(2_000);
  expect(network.time.pending).toBe(0);
});

test('an arbiter whose lease is not confirmed grants nothing, and goes on when it is confirmed again', async () => {
  const network = await setUp();
  network.unconfirmed.add('a');
  const remote = network.ask('b', 'remote');
  const local = network.ask('a', 'local');
  await network.advance(5_000);
  expect([remote.outcomes, local.outcomes]).toEqual([[], []]);
  network.unconfirmed.delete('a');
  await network.advance(1_100);
  expect(network.grants).toHaveLength(1);
});

test('an arbiter whose lease is not confirmed extends no permit, neither of its own worker nor of another', async () => {
  for (const worker of ['a', 'b']) {
    const network = await setUp();
    const running = network.ask(worker, 'running');
    await network.advance(50);
    network.unconfirmed.add('a');
    await network.advance(8_000);
    expect(running.outcomes).toEqual(['granted', 'expired']);
  }
});

test('a slot that is freed while the lease is not confirmed is granted by the next arbiter only', async () => {
  const network = await setUp();
  const first = network.ask('b', 'first');
  const second = network.ask('c', 'second');
  await network.advance(50);
  network.unconfirmed.add('a');
  network.end(first);
  // The replaced arbiter is not told of the new one: only its lease keeps it from granting.
  network.takeOver('c', 'lost', 60_000);
  await network.advance(8_900);
  expect(second.outcomes).toEqual([]);
  await network.advance(1_100);
  expect(second.outcomes).toEqual(['granted']);
  expect(network.violations).toEqual([]);
});

test('an arbiter that frees the slots of a dead worker grants nothing while its lease is not confirmed', async () => {
  const network = await setUp();
  network.ask('b', 'dead');
  const waiting = network.ask('c', 'waiting');
  await network.advance(50);
  network.killWorker('b');
  await network.advance(8_000);
  network.unconfirmed.add('a');
  await network.advance(2_000);
  expect(waiting.outcomes).toEqual([]);
  network.unconfirmed.delete('a');
  await network.advance(1_100);
  expect(waiting.outcomes).toEqual(['granted']);
});

test('an idle worker that has used the gate does not delay a clean handover, alive or gone', async () => {
  for (const isGone of [false, true]) {
    const network = await setUp();
    const early = network.ask('b', 'early');
    await network.advance(50);
    network.end(early);
    const running = network.ask('c', 'running');
    await network.advance(50);
    const waiting = network.ask('a', 'waiting');
    await network.advance(50);
    expect([running.outcomes, waiting.outcomes]).toEqual([['granted'], []]);
    if (isGone) network.killWorker('b');
    network.takeOver('c', 'clean');
    await network.advance(1_100);
    network.end(running);
    await network.advance(100);
    expect(waiting.outcomes).toEqual(['granted']);
  }
});

test('a clean handover of an empty table to an idle worker needs no quiet time', async () => {
  const network = await setUp();
  network.takeOver('b', 'clean');
  await network.advance(50);
  const request = network.ask('c', 'first');
  await network.advance(1_100);
  expect(request.outcomes).toEqual(['granted']);
});

test('the first arbiter of a gate grants at once: no worker can have a permit', async () => {
  const network = new GateNetwork();
  network.addWorker('a');
  network.takeOver('a', 'lost', 0, true);
  const request = network.ask('a', 'first');
  await network.advance(50);
  expect(request.outcomes).toEqual(['granted']);
});

test('the end of the last request is known to the arbiter when a worker has settled', async () => {
  const network = await setUp();
  const running = network.ask('b', 'running');
  const waiting = network.ask('c', 'waiting');
  await network.advance(50);
  const worker = network.workers.get('b')!;
  let hasSettled = false;
  void worker.settled(5_000).then(() => (hasSettled = true));
  await network.advance(100);
  expect(hasSettled).toBe(false);
  network.end(running);
  await network.advance(100);
  expect(hasSettled).toBe(true);
  expect(waiting.outcomes).toEqual(['granted']);
});
