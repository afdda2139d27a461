/**
 * The promises of the gate with a real llama.cpp server, one slot, 25 to 50 tokens/s: here the server itself decides
 * what it computes after an abort and when it is free. The tests assert the order, never a time.
 */
import { describe, expect, onTestFinished, test } from 'vitest';
import { createBackend } from '#models/client/backend';
import { defaultTimeoutsMs, type BackendConfig } from '#models/backend-config';
import { GateActor } from '#models/gate/gate';
import type { ModelOutcome, RunOptions } from '#shared/model/model';
import { systemClock } from '#shared/clock';
import { until } from '#test/support/journal';
import { prepareLlamaServer, startLlamaServer } from '#test/support/llama-server';
import { startCountingProxy } from './counting-proxy.ts';

const prepared = await prepareLlamaServer();

async function setUp() {
  const server = await startLlamaServer({ model: 'slow' });
  onTestFinished(() => server.stop());
  const proxy = await startCountingProxy(server.baseUrl);
  onTestFinished(() => proxy.close());
  const config: BackendConfig = {
    id: 'llama',
    baseUrl: proxy.baseUrl,
    model: 'slow',
    kind: 'llama.cpp',
    concurrency: 1,
    statusUrl: null,
    vision: false,
    apiKey: null,
    timeoutsMs: defaultTimeoutsMs,
  };
  const gate = new GateActor({
    id: 'llama',
    concurrency: 1,
    clock: systemClock,
    probe: async () => true,
  });
  onTestFinished(() => gate.stop());
  const backend = createBackend({ config, gate, clock: systemClock });
  onTestFinished(() => backend.close());
  /** The events, in order: `<name> first token`, `<name> taken back`, `<name> ok` … */
  const log: string[] = [];

  function ask(name: string, tokens: number, more: Partial<RunOptions> = {}) {
    const leaving = new AbortController();
    let text = '';
    const outcome: Promise<ModelOutcome> = backend
      .run(
        { messages: [{ role: 'user', content: '#loop' }], maxTokens: tokens },
        {
          kind: 'answer',
          priority: 'foreground',
          user: name,
          signal: leaving.signal,
          onText(piece, replaces) {
            if (replaces) log.push(`${name} taken back`);
            if (text === '' || replaces) if (piece !== '') log.push(`${name} first token`);
            text = replaces ? piece : text + piece;
          },
          ...more,
        },
      )
      .then((ended) => {
        log.push(`${name} ${ended.ok ? 'ok' : ended.errorReason}`);
        return ended;
      });
    const firstToken = () => until(() => log.includes(`${name} first token`));
    return { outcome, firstToken, leave: () => leaving.abort() };
  }

  const loop = (tokens: number): string =>
    Array.from({ length: tokens }, (_, n) => `l${n % 10}`).join(' ');
  return { gate, proxy, ask, log, loop };
}

const background = { priority: 'background', kind: 'draft', preemptible: true } as const;

describe.skipIf(!prepared.ok)('a gate with a real llama.cpp server', () => {
  test('G1: serves simultaneous requests one at a time, foreground first, each with its whole answer', async () => {
    const { ask, log, proxy, gate, loop } = await setUp();
    const notPreempted = { ...background, preemptible: false };
    const all = [
      ask('ann', 4),
      ask('draft', 4, notPreempted),
      ask('bob', 4),
      ask('other draft', 4, notPreempted),
      ask('eve', 4),
    ];
    const outcomes = await Promise.all(all.map(({ outcome }) => outcome));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ ok: true, text: loop(4) });
    expect(proxy.overlapMax).toBe(1);
    expect(proxy.requests).toBe(5);
    expect(log.filter((line) => line.endsWith('ok'))).toEqual([
      'ann ok',
      'bob ok',
      'eve ok',
      'draft ok',
      'other draft ok',
    ]);
    expect(gate.view().state).toBe('idle');
  });

  test('G6: answers a foreground request during a draft after the drain, before the draft starts again', async () => {
    const { ask, log, proxy, gate, loop } = await setUp();
    const draft = ask('draft', 40, background);
    await draft.firstToken();
    const states: string[] = [];
    const unsubscribe = gate.subscribe(() => {
      const { state, running } = gate.view();
      const line = `${state} ${running.map(({ user }) => user).join()}`;
      if (states.at(-1) !== line) states.push(line);
    });
    const person = ask('person', 5);
    expect(await person.outcome).toMatchObject({ ok: true, text: loop(5) });
    expect(await draft.outcome).toMatchObject({ ok: true, text: loop(40) });
    unsubscribe();
    expect(log).toEqual([
      'draft first token',
      'draft taken back',
      'person first token',
      'person ok',
      'draft first token',
      'draft ok',
    ]);
    expect(states.slice(0, 3)).toEqual(['draining draft', 'running person', 'running draft']);
    expect(gate.view().counters).toMatchObject({ preemptions: 1, grants: 3 });
    expect(gate.view().drainMs).toBeGreaterThan(0);
    expect(proxy.overlapMax).toBe(1);
  });

  test('G5: grants the slot to the next request after a cancel while the answer streams', async () => {
    const { ask, log, proxy, loop } = await setUp();
    const endless = ask('endless', 2_000);
    await endless.firstToken();
    const next = ask('next', 3);
    endless.leave();
    expect(await endless.outcome).toMatchObject({ ok: false, errorReason: 'cancelled' });
    expect(await next.outcome).toMatchObject({ ok: true, text: loop(3) });
    expect(log).toEqual([
      'endless first token',
      'endless cancelled',
      'next first token',
      'next ok',
    ]);
    expect(proxy.overlapMax).toBe(1);
  });

  test('never sends a request that is cancelled while it waits', async () => {
    const { ask, proxy, loop } = await setUp();
    const first = ask('first', 6);
    await first.firstToken();
    const second = ask('second', 6);
    second.leave();
    expect(await second.outcome).toMatchObject({ ok: false, errorReason: 'cancelled' });
    expect(await first.outcome).toMatchObject({ ok: true, text: loop(6) });
    expect(proxy.requests).toBe(1);
  });

  test('G10: a speculative request makes way for a draft, an adopted one goes on', async () => {
    const { ask, log, proxy } = await setUp();
    const early = ask('early', 400, { speculative: { granted: () => {} } });
    await early.firstToken();
    const draft = ask('draft', 12, background);
    expect(await early.outcome).toMatchObject({ ok: false, errorReason: 'preempted' });
    await draft.outcome;
    let adopt = (): void => {};
    const wanted = ask('wanted', 40, {
      speculative: {
        granted(given) {
          adopt = given;
        },
      },
    });
    await wanted.firstToken();
    adopt();
    const other = ask('other', 12);
    await Promise.all([wanted.outcome, other.outcome]);
    expect(log).toEqual([
      'early first token',
      'early preempted',
      'draft first token',
      'draft ok',
      'wanted first token',
      'wanted ok',
      'other first token',
      'other ok',
    ]);
    expect(proxy.overlapMax).toBe(1);
  });
});
