import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BackendConfig } from '#models/backend-config';
import { createHealthMonitor, type BackendHealth } from '#models/health/health';
import {
  isCalibrated,
  updateBaseline,
  levelOfJobs,
  levelOfLatency,
  loadLevel,
  noBaseline,
  type Baseline,
} from '#models/gate/load-level';
import { createProbe, type Probe } from '#models/health/probe';
import { systemClock } from '#shared/clock';
import type { FakeLlm, FakePage } from '#test/support/fake-llm';
import { prepareLlamaServer, startLlamaServer } from '#test/support/llama-server';
import { configFor, fakeLlm } from '../client/backend-fixture.ts';

function probeFor(config: BackendConfig, timeoutMs?: number): Probe {
  const probe = createProbe(config, timeoutMs);
  onTestFinished(() => probe.close());
  return probe;
}

function monitorFor(config: BackendConfig, jobs = { own: 0 }, timeoutMs?: number) {
  const probe = probeFor(config, timeoutMs);
  const ownJobs = (): number => jobs.own;
  const monitor = createHealthMonitor({
    id: config.id,
    probe,
    ownJobs,
    clock: systemClock,
    intervalMs: 5,
  });
  onTestFinished(() => monitor.stop());
  return monitor;
}

/** Resolves with the first health state that fits. */
function until(
  monitor: ReturnType<typeof monitorFor>,
  fits: (health: BackendHealth) => boolean,
): Promise<BackendHealth> {
  return new Promise((resolve) => {
    const look = ({ context }: { context: BackendHealth }): void => {
      if (fits(context)) resolve(context);
    };
    monitor.store.subscribe(look);
    look(monitor.store.getSnapshot());
  });
}

const ok: FakePage = { body: { status: 'ok' } };

describe('a probe', () => {
  test.each([
    ['ollama', '/api/version'],
    ['llama.cpp', '/health'],
    ['mlx-lm', '/health'],
    ['mlx-vlm', '/health'],
    ['vllm', '/health'],
    ['lm-studio', '/v1/models'],
    ['generic', '/v1/models'],
  ] as const)('of the kind %s reads %s and nothing else', async (kind, path) => {
    const llm = await fakeLlm({ pages: { [path]: ok } });
    expect(await probeFor(configFor(llm.baseUrl, { kind })).check()).toMatchObject({ ok: true });
    expect(llm.pageViews).toEqual([path]);
    expect(llm.requests).toEqual([]);
  });

  test('reports a generic server without a list of models as alive', async () => {
    const llm = await fakeLlm();
    expect(await probeFor(configFor(llm.baseUrl)).check()).toMatchObject({ ok: true });
  });

  test('distinguishes a server that is loading, fails, refuses connections or hangs', async () => {
    const reason = async (llm: FakeLlm, timeoutMs?: number): Promise<unknown> => {
      const config = configFor(llm.baseUrl, { kind: 'vllm' });
      const result = await probeFor(config, timeoutMs).check();
      return result.ok || result.errorReason;
    };
    const page = (status: number, body: unknown): Promise<FakeLlm> =>
      fakeLlm({ pages: { '/health': { status, body } } });
    expect(await reason(await page(503, { error: { message: 'Loading model' } }))).toBe('loading');
    expect(await reason(await page(500, {}))).toBe('http_5xx');
    const gone = await fakeLlm();
    await gone.refuse();
    expect(await reason(gone)).toBe('connect_refused');
    const hanging = await fakeLlm({
      pages: { '/health': { hangs: true, body: '' } },
    });
    expect(await reason(hanging, 60)).toBe('timeout_total');
  });

  test('counts a server as reached on any answer except 502, 504 and "loading"', async () => {
    const reaches = async (page: FakePage): Promise<boolean> => {
      const llm = await fakeLlm({ pages: { '/health': page } });
      const config = configFor(llm.baseUrl, { kind: 'mlx-lm' });
      return probeFor(config, page.hangs ? 60 : undefined).isReachable();
    };
    for (const status of [200, 301, 401, 403, 404, 405, 429, 500, 503]) {
      expect(await reaches({ status, body: {} }), String(status)).toBe(true);
    }
    for (const status of [502, 504]) {
      expect(await reaches({ status, body: {} }), String(status)).toBe(false);
    }
    expect(await reaches({ status: 503, body: { error: { message: 'Loading model' } } })).toBe(
      false,
    );
    expect(await reaches({ hangs: true, body: '' })).toBe(false);
    const gone = await fakeLlm();
    await gone.refuse();
    expect(await probeFor(configFor(gone.baseUrl)).isReachable()).toBe(false);
    expect(await probeFor(configFor('http://no-such-host.invalid/v1')).isReachable()).toBe(false);
  });

  test('sends the API key, and reads the load if there is a status page', async () => {
    const llm = await fakeLlm({
      pages: {
        '/status': ({ headers }) => ({
          body: headers.authorization === 'Bearer k' ? { active_jobs: 3, total_requests: 9 } : {},
        }),
        '/other': { body: { uptime: 4 } },
      },
    });
    const root = llm.baseUrl.replace('/v1', '');
    const status = (path: string | null): Promise<unknown> => {
      const statusUrl = path && root + path;
      return probeFor(configFor(llm.baseUrl, { apiKey: 'k', statusUrl })).status();
    };
    expect(await status('/status')).toEqual({ activeJobs: 3, totalRequests: 9 });
    expect(await status('/other')).toBeNull();
    expect(await status('/absent')).toBeNull();
    expect(await status(null)).toBeNull();
  });
});

describe('the health of a server', () => {
  test('is unknown before the first check and then follows the state of the server', async () => {
    const llm = await fakeLlm({ pages: { '/health': ok } });
    const monitor = monitorFor(configFor(llm.baseUrl, { kind: 'llama.cpp' }));
    expect(monitor.store.getSnapshot().context.healthy).toBeNull();
    monitor.start();
    const first = await until(monitor, ({ healthy }) => healthy === true);
    expect(first).toMatchObject({ consecutiveFailures: 0, errorReason: null });
    expect(first.healthMs).toBeGreaterThan(0);
    await llm.refuse();
    const down = await until(monitor, ({ consecutiveFailures }) => consecutiveFailures >= 2);
    expect(down).toMatchObject({ healthy: false, errorReason: 'connect_refused', healthMs: null });
    await llm.listen();
    await until(monitor, ({ healthy }) => healthy === true);
    await monitor.stop();
    const views = llm.pageViews.length;
    await monitor.check();
    expect(llm.pageViews.length).toBe(views + 1);
    expect(new Set(llm.pageViews)).toEqual(new Set(['/health']));
  });

  test('survives one slow answer but not two, and any number while own jobs run', async () => {
    const slow: FakePage = { hangs: true, body: '' };
    const pages = { '/health': () => page };
    let page = ok;
    const llm = await fakeLlm({ pages });
    const jobs = { own: 0 };
    const monitor = monitorFor(configFor(llm.baseUrl, { kind: 'vllm' }), jobs, 40);
    await monitor.check();
    page = slow;
    jobs.own = 1;
    for (let n = 0; n < 3; n++) expect((await monitor.check()).healthy).toBe(true);
    page = ok;
    await monitor.check();
    page = slow;
    jobs.own = 0;
    expect((await monitor.check()).healthy).toBe(true);
    expect((await monitor.check()).healthy).toBe(false);
  });

  test('learns its baseline from five idle checks, and from no check while own jobs run', async () => {
    const llm = await fakeLlm({ pages: { '/health': ok } });
    const jobs = { own: 1 };
    const monitor = monitorFor(configFor(llm.baseUrl, { kind: 'vllm' }), jobs);
    await monitor.check();
    expect(monitor.store.getSnapshot().context.baseline).toEqual(noBaseline);
    jobs.own = 0;
    for (let n = 0; n < 5; n++) await monitor.check();
    expect(isCalibrated(monitor.store.getSnapshot().context.baseline)).toBe(true);
  });

  test('shows the load of the own queue at once, and the load of the status page after a check', async () => {
    const llm = await fakeLlm({
      pages: { '/health': ok, '/status': { body: { active_jobs: 2, total_requests: 5 } } },
    });
    const statusUrl = llm.baseUrl.replace('/v1', '/status');
    const jobs = { own: 0 };
    const monitor = monitorFor(configFor(llm.baseUrl, { kind: 'vllm', statusUrl }), jobs);
    expect(monitor.load()).toBe('free');
    jobs.own = 1;
    expect(monitor.load()).toBe('normal');
    expect(await monitor.check()).toMatchObject({ activeJobs: 2, totalRequests: 5, load: 'busy' });
    jobs.own = 4;
    expect(monitor.load()).toBe('very_busy');
  });
});

describe('the load level', () => {
  test('is free, normal, busy and very busy at 0, 1, 2 and 4 jobs', () => {
    expect([0, 1, 2, 3, 4, 9].map(levelOfJobs)).toEqual([
      'free',
      'normal',
      'busy',
      'busy',
      'very_busy',
      'very_busy',
    ]);
  });

  test('by latency is relative to the baseline, and free before the baseline is learnt', () => {
    const learnt = [200, 200, 200, 200, 200].reduce(updateBaseline, noBaseline);
    expect(learnt).toEqual({ samples: 5, ms: 200 });
    const levels = [200, 310, 410, 610].map((ms) => levelOfLatency(ms, learnt));
    expect(levels).toEqual(['free', 'normal', 'busy', 'very_busy']);
    expect(levelOfLatency(9_000, [200].reduce(updateBaseline, noBaseline))).toBe('free');
    const fast: Baseline = { samples: 5, ms: 1 };
    expect(levelOfLatency(20, fast)).toBe('free');
  });

  test('ignores the latency if own jobs run or the status page reports the number of jobs', () => {
    const baseline: Baseline = { samples: 5, ms: 200 };
    const signs = { activeJobs: null, healthMs: 5_000, baseline };
    expect(loadLevel({ ...signs, ownJobs: 0 })).toBe('very_busy');
    expect(loadLevel({ ...signs, ownJobs: 1 })).toBe('normal');
    expect(loadLevel({ ...signs, ownJobs: 0, activeJobs: 0 })).toBe('free');
  });

  test('has a baseline between the smallest and the largest sample', () => {
    const samples = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(samples, (list) => {
        const { ms } = list.reduce(updateBaseline, noBaseline);
        expect(ms).toBeGreaterThanOrEqual(Math.min(...list) - 1e-6);
        expect(ms).toBeLessThanOrEqual(Math.max(...list) + 1e-6);
      }),
    );
  });
});

const prepared = await prepareLlamaServer();

test.skipIf(!prepared.ok)(
  'a real llama.cpp server is reported first as loading and then as healthy',
  async () => {
    const server = await startLlamaServer({ model: 'heavy', untilReady: false });
    onTestFinished(() => server.stop());
    const monitor = monitorFor(configFor(server.baseUrl, { kind: 'llama.cpp' }));
    monitor.start();
    const first = await until(monitor, ({ healthy }) => healthy !== null);
    expect(first).toMatchObject({ healthy: false, errorReason: 'loading' });
    expect(await until(monitor, ({ healthy }) => healthy === true)).toMatchObject({
      errorReason: null,
    });
  },
);
