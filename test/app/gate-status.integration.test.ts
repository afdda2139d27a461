/** Reports about backends, queues and waiting times: status answer, /backends, /metrics, estimates. */
import { afterEach, describe, expect, test } from 'vitest';
import { openCore, routed, type CoreFixture } from '#test/support/core';
import { fails, says, stalls, type FakeReply } from '#test/support/fake-llm-replies';
import { startFakeLlm } from '#test/support/fake-llm';
import { until } from '#test/support/journal';

let fixture: CoreFixture;
afterEach(() => fixture.close());

const member = (id: string) => fixture.core.pool.find(id)!;
/** Waits for a health check that began after this call; the first may already have been running. */
const health = async (id: string) => {
  await member(id).health.check();
  await member(id).health.check();
};

/** Sends a request directly to a backend; resolves with the status, or null, when it has ended. */
const complete = (model: string, more: { priority?: string; signal?: AbortSignal } = {}) =>
  fetch(`${fixture.core.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'x-gatehouse-priority': more.priority ?? 'foreground' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }] }),
    ...(more.signal ? { signal: more.signal } : {}),
  }).then(
    (response) => response.status,
    () => null,
  );

/** A reply that is sent when the test releases it. */
function held(text: string): { reply: FakeReply; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { reply: (exchange) => promise.then(() => says(text)(exchange)), release: resolve };
}

describe('W16: the status answer', () => {
  test('names each backend with its load, and the job queue, without a model call', async () => {
    fixture = await openCore();
    await fixture.large.refuse();
    await health('large');
    const { end } = await fixture.ask('gemma 바빠?');
    const lines = String(end.data['reply']).split('\n');
    expect(lines[0]).toMatch(/^small: 연결됨 · 여유 · 응답 \d+ms$/);
    expect(lines[1]).toBe('large: 연결 안 됨 (connect_refused)');
    expect(lines[2]).toBe('내 작업 큐: 처리 중 1건, 대기 0건');
    expect(fixture.small.requests).toEqual([]);
  });

  test('counts the running and waiting requests of the gate if the server has no status page', async () => {
    fixture = await openCore();
    fixture.large.script(stalls());
    const leaving = new AbortController();
    const asked = [1, 2].map(() => complete('large', leaving));
    await until(() => member('large').gate.view().waiting.length === 1);
    const { end } = await fixture.ask('서버 상태 알려줘');
    expect(end.data['reply']).toContain('large: 연결됨 · 바쁨 · 작업 2건');
    leaving.abort();
    await Promise.all(asked);
  });

  test('W15: reports the load from the status page of a server that has one', async () => {
    const proxy = await startFakeLlm({
      pages: { '/status': { body: { active_jobs: 4, total_requests: 9 } } },
    });
    try {
      fixture = await openCore((small, large) => ({
        backends: [
          { id: 'small', baseUrl: small.baseUrl, model: 'm' },
          {
            id: 'large',
            baseUrl: large.baseUrl,
            model: 'm',
            statusUrl: `http://127.0.0.1:${proxy.port}/status`,
          },
        ],
        roles: { classifier: 'small', reasoner: 'large' },
      }));
      await health('large');
      const { end } = await fixture.ask('How busy is gemma?');
      expect(end.data['reply']).toContain('large: connected · very busy · 4 active');
      // W8: a job that goes to a busy reasoner gets a notice about it.
      fixture.small.script(routed);
      fixture.large.script(says('산란'));
      const { events } = await fixture.ask('왜 하늘은 파래?');
      const notices = events.filter(({ type }) => type === 'processing');
      expect(notices[0]?.data['message']).toBe(
        '📝 더 깊이 살펴볼게요... (지금 모델이 매우 바쁩니다. 시간이 조금 더 걸릴 수 있습니다.)',
      );
    } finally {
      await proxy.close();
    }
  });
});

describe('the estimate', () => {
  test('of a job at a gate comes from measured times, falls with the clock, and is in GET /backends', async () => {
    fixture = await openCore({ jobs: { heartbeatMs: 50 } });
    const gate = member('large').gate;
    // One measured answer of this kind, long enough not to elapse while the test reads the estimates.
    fixture.small.script(routed, routed, routed);
    const first = held('첫 답');
    const second = held('둘째 답');
    fixture.large.script(first.reply, second.reply);
    const measured = fixture.ask('왜 하늘은 파래?', { user_id: 'ann' });
    await fixture.large.arrived(1);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    first.release();
    await measured;
    const measuredMs = gate.view().serviceMs['reason']!;
    expect(measuredMs).toBeGreaterThan(0);

    const holder = await fixture.client.submit({ message: '왜 바다는 파래?', user_id: 'ann' });
    await fixture.large.arrived(2);
    const waiter = await fixture.client.submit({ message: '왜 풀은 초록색?', user_id: 'bob' });
    await until(async () => (await fixture.client.job(waiter)).queue !== null);
    const etas: number[] = [];
    await until(async () => {
      const { queue } = await fixture.client.job(waiter);
      etas.push(queue?.etaMs ?? -1);
      return etas.length > 1 && etas.at(-1)! < etas[0]!;
    });
    expect(etas[0]).toBeLessThanOrEqual(measuredMs);
    const view = await backendPage('large');
    expect(view.gate.waiting[0]).toMatchObject({ kind: 'reason', position: 1, ahead: 1 });
    expect(view.gate.waiting[0]!.eta_ms).toEqual(expect.any(Number));
    expect(view.gate.service_ms['reason']).toBe(measuredMs);
    second.release();
    await until(async () => (await fixture.client.job(waiter)).state === 'done');
    const told = (await fixture.client.events(waiter)).flatMap(({ data }) =>
      data['queue'] ? [data['queue']] : [],
    );
    expect(told[0]).toMatchObject({ position: 1, ahead: 1, etaMs: expect.any(Number) });
    await until(async () => (await fixture.client.job(holder)).state === 'done');
  });

  test('of a queued job comes from the jobs ahead of it', async () => {
    fixture = await openCore({ jobs: { maxConcurrent: 1 } });
    fixture.small.script(says('{"action":"direct","response":"네"}'), stalls());
    await fixture.ask('안녕', { user_id: 'ann' });
    const holder = await fixture.client.submit({ message: '안녕', user_id: 'ann' });
    await fixture.small.arrived(2);
    const waiter = await fixture.client.submit({ message: '안녕', user_id: 'bob' });
    expect((await fixture.client.job(waiter)).queue).toMatchObject({
      position: 1,
      ahead: 1,
      etaMs: expect.any(Number),
    });
    await fixture.client.controlJob(waiter, 'cancel');
    await fixture.client.controlJob(holder, 'cancel');
  });
});

interface BackendPage {
  id: string;
  gate: {
    circuit: string;
    next_probe_at: string | null;
    waiting: { kind: string; eta_ms: number | null }[];
    service_ms: Record<string, number>;
  };
}

async function backendPage(id: string): Promise<BackendPage> {
  const response = await fetch(`${fixture.core.url}/backends`);
  const { backends } = (await response.json()) as { backends: BackendPage[] };
  return backends.find((backend) => backend.id === id)!;
}

describe('GET /metrics after real traffic', () => {
  /** The values of samples by name and labels, and the type and help of each family. */
  async function scrape() {
    const text = await (await fetch(`${fixture.core.url}/metrics`)).text();
    const types = new Map(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]),
    );
    const helps = new Set([...text.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name!));
    const value = (sample: string): number | undefined => {
      const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
      return line === undefined ? undefined : Number(line.slice(sample.length + 1));
    };
    return { types, helps, value };
  }

  test('has waits, service times, drains, preemptions, overtakes, refusals, circuit, speed and first tokens', async () => {
    fixture = await openCore({ gates: { maxQueue: 1 } });
    fixture.small.script(says('{"action":"direct","response":"네"}'));
    await fixture.ask('안녕');
    fixture.large.script(stalls(), says('one two three', { wordMs: 5 }));
    const background = complete('large', { priority: 'background' });
    await fixture.large.arrived(1);
    expect(await complete('large')).toBe(200);
    expect(await background).toBe(200);

    const leaving = new AbortController();
    fixture.large.script(stalls());
    const holder = complete('large', leaving);
    await fixture.large.arrived(4);
    const waiter = complete('large', leaving);
    await until(() => member('large').gate.view().waiting.length === 1);
    expect(await complete('large')).toBe(429);
    const busy = await scrape();
    expect(busy.value('gatehouse_gate_waiting{backend="large",priority="foreground"}')).toBe(1);
    expect(busy.value('gatehouse_gate_held{backend="large",phase="running"}')).toBe(1);
    leaving.abort();
    await Promise.all([holder, waiter]);
    await until(() => member('large').gate.view().state === 'idle');

    fixture.large.script(fails(500));
    expect(await complete('large')).toBe(503);
    await fixture.large.refuse();
    for (let n = 0; n < 3; n += 1) expect(await complete('large')).toBe(503);

    const { value } = await scrape();
    const of = (name: string, labels = '') => value(`gatehouse_${name}{backend="large"${labels}}`);
    expect(of('gate_preemptions_total')).toBe(1);
    expect(of('gate_refusals_total', ',reason="queue_full"')).toBe(1);
    expect(of('gate_refusals_total', ',reason="cancelled"')).toBe(1);
    expect(of('gate_overtakes_total')).toBe(1);
    expect(of('gate_grants_total')).toBe(8);
    expect(of('gate_drain_seconds_count')).toBe(2);
    expect(of('gate_wait_seconds_count', ',priority="foreground",kind="direct"')).toBe(6);
    expect(of('gate_service_seconds_count', ',kind="direct",result="ok"')).toBe(2);
    expect(of('gate_circuit', ',state="open"')).toBe(1);
    expect(of('gate_circuit', ',state="closed"')).toBe(0);
    expect(of('backend_up')).toBe(0);
    expect(of('model_requests_total', ',kind="direct",result="ok"')).toBe(2);
    expect(of('model_requests_total', ',kind="direct",result="http_5xx"')).toBe(1);
    expect(of('model_requests_total', ',kind="direct",result="connect_refused"')).toBe(3);
    expect(of('model_first_token_seconds_count', ',kind="direct"')).toBe(2);
    expect(of('model_tokens_total', ',direction="completion"')).toBe(4);
    expect(of('model_tokens_per_second_count', ',kind="direct"')).toBe(1);
    expect(value('gatehouse_jobs_ended_total{outcome="answered"}')).toBe(1);
    expect((await backendPage('large')).gate).toMatchObject({
      circuit: 'open',
      next_probe_at: expect.any(String),
    });
  });
});
