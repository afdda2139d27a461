/**
 * A model server that is switched off, comes back, hangs or is slow, with foreground requests and drafts waiting at
 * its gate: each gets a result, the circuit opens and closes again, and no request is lost. Real gate, real HTTP.
 */
import { describe, expect, onTestFinished, test } from 'vitest';
import { createBackend } from '#models/client/backend';
import type { BackendConfig } from '#models/backend-config';
import { GateActor } from '#models/gate/gate';
import { createProbe } from '#models/health/probe';
import type { ModelOutcome, RunOptions } from '#shared/model/model';
import { systemClock } from '#shared/clock';
import { openCore } from '#test/support/core';
import { says, type FakeReply } from '#test/support/fake-llm-replies';
import { startFakeLlm } from '#test/support/fake-llm';
import { until } from '#test/support/journal';

/** Accepts the connection, reads the request, and never answers. */
const wedged: FakeReply = ({ gone }) =>
  new Promise((resolve) => gone.addEventListener('abort', () => resolve()));

async function setUp(firstTokenMs = 10_000, kind: BackendConfig['kind'] = 'generic') {
  const llm = await startFakeLlm();
  onTestFinished(() => llm.close());
  const config: BackendConfig = {
    id: 'server',
    baseUrl: llm.baseUrl,
    model: 'm',
    kind,
    concurrency: 1,
    statusUrl: null,
    vision: false,
    apiKey: null,
    timeoutsMs: { connect: 2_000, firstToken: firstTokenMs, idle: 10_000, total: 20_000 },
  };
  const probe = createProbe(config);
  onTestFinished(() => probe.close());
  const gate = new GateActor({
    id: 'server',
    concurrency: 1,
    clock: systemClock,
    probe: () => probe.isReachable(),
    breaker: { failures: 3, probeBackoffMs: 10, probeBackoffMaxMs: 20 },
  });
  onTestFinished(() => gate.stop());
  const backend = createBackend({ config, gate, clock: systemClock });
  onTestFinished(() => backend.close());
  const ask = (user: string, more: Partial<RunOptions> = {}): Promise<ModelOutcome> =>
    backend.run(
      { messages: [{ role: 'user', content: user }] },
      {
        kind: 'answer',
        priority: 'foreground',
        user,
        signal: new AbortController().signal,
        ...more,
      },
    );
  const waiting = (count: number) => until(() => gate.view().waiting.length === count);
  return { llm, gate, ask, waiting };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `user${n}`);
const reasons = (outcomes: ModelOutcome[]): string[] =>
  outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.errorReason));

describe('a server that is switched off', () => {
  test('fails the running request as `connection_lost`, and all waiting requests as unreachable', async () => {
    const { llm, gate, ask, waiting } = await setUp();
    llm.script(wedged);
    const all = names(8).map((name) => ask(name));
    await llm.arrived(1);
    await waiting(7);
    await llm.refuse();
    const told = reasons(await Promise.all(all));
    expect(told[0]).toBe('connection_lost');
    expect(told.slice(1)).toEqual([
      ...Array.from({ length: 3 }, () => 'connect_refused'),
      ...Array.from({ length: 4 }, () => 'breaker_open'),
    ]);
    expect(gate.view()).toMatchObject({ state: 'down', waiting: [], running: [] });
  });

  test('has new requests refused at once, with the time after which to retry', async () => {
    const { llm, gate, ask } = await setUp();
    await llm.refuse();
    await Promise.all(names(3).map((name) => ask(name)));
    expect(gate.view().circuit).not.toBe('closed');
    const refused = await ask('late');
    expect(refused).toMatchObject({ ok: false, errorReason: 'breaker_open' });
    expect(!refused.ok && refused.retryAfterMs).toEqual(expect.any(Number));
  });

  test('and on again serves all requests again', async () => {
    const { llm, gate, ask } = await setUp();
    await llm.refuse();
    await Promise.all(names(3).map((name) => ask(name)));
    expect(gate.view().circuit).not.toBe('closed');
    await llm.listen();
    await until(() => gate.view().circuit === 'closed');
    expect(reasons(await Promise.all(names(4).map((name) => ask(name))))).toEqual(
      names(4).map(() => 'ok'),
    );
    expect(llm.overlapMax).toBe(1);
  });

  test('and on again without the health page of its kind serves requests again', async () => {
    const { llm, gate, ask } = await setUp(10_000, 'mlx-lm');
    await llm.refuse();
    await Promise.all(names(3).map((name) => ask(name)));
    expect(gate.view().circuit).not.toBe('closed');
    await llm.listen();
    await until(() => gate.view().circuit === 'closed');
    expect(reasons([await ask('ann')])).toEqual(['ok']);
    expect(llm.pageViews).toContain('/health');
  });

  test('for two requests only does not open the circuit', async () => {
    const { llm, gate, ask } = await setUp();
    await llm.refuse();
    expect(reasons([await ask('ann'), await ask('bob')])).toEqual([
      'connect_refused',
      'connect_refused',
    ]);
    await llm.listen();
    expect(reasons([await ask('ann')])).toEqual(['ok']);
    await llm.refuse();
    expect(reasons([await ask('ann'), await ask('bob')])).toEqual([
      'connect_refused',
      'connect_refused',
    ]);
    expect(gate.view().circuit).toBe('closed');
  });
});

describe('a server that hangs', () => {
  test('fails each request after its time limit, and then serves the next one', async () => {
    const { llm, gate, ask } = await setUp(100);
    llm.script(wedged, wedged, says('back'));
    const told = reasons(await Promise.all(names(3).map((name) => ask(name))));
    expect(told).toEqual(['timeout_first_token', 'timeout_first_token', 'ok']);
    // The server was reached each time, so the circuit stays closed and new requests are accepted.
    expect(gate.view().circuit).toBe('closed');
    expect(llm.overlapMax).toBe(1);
  });

  test('fails a waiting request at its deadline, and serves the others when it answers again', async () => {
    const { llm, ask, waiting } = await setUp();
    const { promise: barrier, resolve } = Promise.withResolvers<void>();
    llm.script((exchange) => barrier.then(() => says('late')(exchange)));
    const holder = ask('holder');
    await llm.arrived(1);
    const hasty = ask('hasty', { deadlineAt: Date.now() + 30 });
    const patient = ask('patient');
    expect(reasons([await hasty])).toEqual(['deadline']);
    await waiting(1);
    resolve();
    expect(reasons(await Promise.all([holder, patient]))).toEqual(['ok', 'ok']);
    expect(llm.requests).toHaveLength(2);
  });
});

describe('a slow server', () => {
  test('serves all requests one at a time, foreground before drafts, and reports their queue positions', async () => {
    const { llm, ask } = await setUp();
    const barriers = names(4).map(() => Promise.withResolvers<void>());
    llm.script(
      ...barriers.map(
        ({ promise }): FakeReply =>
          (exchange) =>
            promise.then(() => says('slow')(exchange)),
      ),
    );
    const places: Record<string, number[]> = {};
    const follow = (name: string) => ({
      onQueued: ({ position }: { position: number }) => (places[name] ??= []).push(position),
    });
    const toldDraft = (place: number) => until(() => places['draft']?.at(-1) === place);
    const first = ask('first');
    await llm.arrived(1);
    const draft = ask('draft', { priority: 'background', kind: 'draft', ...follow('draft') });
    await toldDraft(1);
    const second = ask('second', follow('second'));
    await toldDraft(2);
    const third = ask('third', follow('third'));
    await toldDraft(3);
    const order: string[] = [];
    for (const [name, outcome] of Object.entries({ first, second, third, draft })) {
      void outcome.then(() => order.push(name));
    }
    for (const [n, barrier] of barriers.entries()) {
      await llm.arrived(n + 1);
      barrier.resolve();
    }
    expect(reasons(await Promise.all([first, second, third, draft]))).toEqual(
      names(4).map(() => 'ok'),
    );
    expect(order).toEqual(['first', 'second', 'third', 'draft']);
    expect(places['second']).toEqual([1]);
    expect(places['third']).toEqual([2, 1]);
    expect(places['draft']).toEqual([1, 2, 3, 2, 1]);
    expect(llm.overlapMax).toBe(1);
  });
});

test('in the whole core, jobs use the fallback while the reasoner is off, and the reasoner when it is back', async () => {
  const fixture = await openCore();
  onTestFinished(() => fixture.close());
  const { small, large, core } = fixture;
  const { gate } = core.pool.find('large')!;
  const routed = says('{"action":"route"}');
  await large.refuse();
  for (let n = 0; n < 4; n += 1) {
    small.script(routed, says('작은 모델의 답'));
    const { end, events } = await fixture.ask('양자역학이 뭐야?');
    expect(end.data).toMatchObject({ outcome: 'answered', reply: '작은 모델의 답' });
    const trouble = events.find((event) => event.type === 'error');
    expect(trouble?.data['error_reason']).toBe(n < 3 ? 'connect_refused' : 'breaker_open');
  }
  await large.listen();
  await until(() => gate.view().circuit === 'closed');
  small.script(routed);
  large.script(says('큰 모델의 답'));
  expect((await fixture.ask('양자역학이 뭐야?')).end.data['reply']).toBe('큰 모델의 답');
});
