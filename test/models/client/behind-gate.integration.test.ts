/** Gate, client and server together: the properties that need all three. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BackendKind } from '#models/client/server-profiles';
import { GateActor } from '#models/gate/gate';
import type { GateOptions } from '#models/gate/gate-options';
import { createProbe } from '#models/health/probe';
import { systemClock } from '#shared/clock';
import { prepareLlamaServer, startLlamaServer } from '#test/support/llama-server';
import { after, cutsAfter, says, stalls, stallsAfter } from '#test/support/fake-llm-replies';
import {
  modelRequest,
  backendFor,
  textCollector,
  configFor,
  failureOf,
  fakeLlm,
  foregroundOptions,
} from './backend-fixture.ts';

function gatedBackend(
  baseUrl: string,
  kind: BackendKind = 'llama.cpp',
  options: Partial<GateOptions> = {},
) {
  const config = configFor(baseUrl, { kind });
  const probe = createProbe(config);
  onTestFinished(() => probe.close());
  const gate = new GateActor({
    id: config.id,
    concurrency: 1,
    probe: () => probe.isReachable(),
    clock: systemClock,
    ...options,
  });
  onTestFinished(() => gate.stop());
  return { gate, backend: backendFor(config, gate) };
}

const draft = (parts: Parameters<typeof foregroundOptions>[0] = {}) =>
  foregroundOptions({
    kind: 'draft',
    priority: 'background',
    user: 'drafts',
    preemptible: true,
    ...parts,
  });

describe('a backend behind its gate', () => {
  test('serves a foreground request before a running draft, which starts again and finishes', async () => {
    const llm = await fakeLlm({ slots: 1 });
    llm.script(stallsAfter('초안 반'), says('사람의 답'), says('초안 전체'));
    const { gate, backend } = gatedBackend(llm.baseUrl);
    const seen = textCollector();
    const { promise: streaming, resolve } = Promise.withResolvers<void>();
    const drafted = backend.run(
      modelRequest('draft'),
      draft({
        onText(text, replace) {
          seen.onText(text, replace);
          resolve();
        },
      }),
    );
    await streaming;
    expect(await backend.run(modelRequest('x'), foregroundOptions())).toMatchObject({
      text: '사람의 답',
    });
    expect(await drafted).toMatchObject({ ok: true, text: '초안 전체' });
    expect(seen.text).toBe('초안 전체');
    expect(seen.replaced).toBe(1);
    expect(llm.overlapMax).toBe(1);
    expect(gate.view().counters).toMatchObject({ preemptions: 1, expiredLeases: 0 });
  });

  test('never has two requests open at its server while requests are cancelled, cut off or preempted', async () => {
    const controllers = Array.from({ length: 30 }, () => new AbortController());
    const replies = [says('가 나 다'), stallsAfter('반쪽'), cutsAfter('반'), stalls(), says('라')];
    const llm = await fakeLlm({
      // A request whose reply stalls is cancelled as soon as it has arrived.
      reply(exchange) {
        const n = Number(exchange.request.body.messages[0]?.content);
        const reply = replies[n % replies.length];
        if (n % replies.length === 1 || n % replies.length === 3) {
          setImmediate(() => controllers[n]?.abort());
        }
        return reply?.(exchange);
      },
    });
    const { gate, backend } = gatedBackend(llm.baseUrl, 'vllm');
    const start = (n: number) => {
      const signal = controllers[n]?.signal ?? AbortSignal.abort();
      const run = n < 10 ? draft({ signal }) : foregroundOptions({ signal, user: `u${n % 4}` });
      return backend.run(modelRequest(String(n)), run);
    };
    const all = controllers.map((_, n) => start(n));
    const outcomes = await Promise.all(all);
    const ends = outcomes.map((each) => (each.ok ? 'ok' : each.errorReason));
    const expected = ['ok', 'cancelled', 'truncated', 'cancelled', 'ok'];
    expect(ends).toEqual(ends.map((_, n) => expected[n % expected.length]));
    expect(llm.overlapMax).toBe(1);
    expect(gate.view()).toMatchObject({ waiting: [], counters: { preemptions: 1 } });
  });

  test('refuses requests at once after connect failures, and serves again when the server is back', async () => {
    const llm = await fakeLlm({ pages: { '/health': { body: { status: 'ok' } } } });
    const { gate, backend } = gatedBackend(llm.baseUrl, 'vllm', {
      breaker: { failures: 2, probeBackoffMs: 5 },
    });
    await llm.refuse();
    const reasons = [];
    for (let n = 0; n < 3; n++) {
      reasons.push(
        failureOf(await backend.run(modelRequest('x'), foregroundOptions())).errorReason,
      );
    }
    expect(reasons).toEqual(['connect_refused', 'connect_refused', 'breaker_open']);
    const reopened = new Promise<void>((resolve) => {
      gate.subscribe(() => gate.view().circuit === 'closed' && resolve());
    });
    await llm.listen();
    await reopened;
    expect(await backend.run(modelRequest('x'), foregroundOptions())).toMatchObject({ ok: true });
  });

  test('refuses a waiting request whose deadline passes, and a request beyond maxQueue', async () => {
    const llm = await fakeLlm();
    const { promise: barrier, resolve: open } = Promise.withResolvers<void>();
    llm.script(after(barrier, says('첫째')));
    const { backend } = gatedBackend(llm.baseUrl, 'vllm', { maxQueue: 1 });
    const first = backend.run(modelRequest('1'), foregroundOptions());
    await llm.arrived(1);
    const late = backend.run(
      modelRequest('2'),
      foregroundOptions({ deadlineAt: systemClock.now() + 30 }),
    );
    const refused = backend.run(modelRequest('3'), foregroundOptions());
    expect(failureOf(await refused).errorReason).toBe('queue_full');
    expect(failureOf(await late).errorReason).toBe('deadline');
    open();
    expect(await first).toMatchObject({ text: '첫째' });
    expect(llm.requests.length).toBe(1);
  });
});

const prepared = await prepareLlamaServer();

test.skipIf(!prepared.ok)(
  'a draft on a real llama.cpp server is preempted by a foreground request and then finishes',
  async () => {
    const server = await startLlamaServer({ model: 'slow' });
    onTestFinished(() => server.stop());
    const { gate, backend } = gatedBackend(server.baseUrl);
    const { promise: streaming, resolve } = Promise.withResolvers<void>();
    const drafted = backend.run(modelRequest('draft'), draft({ onText: () => resolve() }));
    await streaming;
    const answer = await backend.run(modelRequest('#loop', { maxTokens: 3 }), foregroundOptions());
    expect(answer).toMatchObject({ ok: true, text: 'l0 l1 l2' });
    expect(await drafted).toMatchObject({ ok: true, text: expect.stringMatching(/^w0 .* w23$/) });
    expect(gate.view().counters.preemptions).toBe(1);
  },
);
