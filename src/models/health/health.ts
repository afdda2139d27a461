/**
 * Monitors one server: whether it is healthy, its response time, its load. Owns the check loop and a shared state with
 * many readers. It must never send a request that needs the model, and never decide which requests may run (the gate
 * does).
 *
 * 1. One check at a time; the next check starts `intervalMs` after the last has ended.
 * 2. A server that refuses connections or cannot be resolved is unhealthy at once. A server that only answers slowly is
 *    unhealthy after two checks, and never while it works for us: then slowness is expected.
 * 3. The baseline learns only from checks of a server that seemed idle.
 */
import { createStore, type Store } from '@xstate/store';
import type { ErrorReason } from '#shared/model/model';
import type { Clock } from '#shared/clock';
import type { BackendLog } from '../backend-config.ts';
import {
  updateBaseline,
  loadLevel,
  noBaseline,
  type Baseline,
  type LoadLevel,
} from '../gate/load-level.ts';
import type { Probe, ProbeResult, StatusReport } from './probe.ts';

/** Often enough that users learn of an outage before they ask twice, rarely enough not to fill a log. */
const defaultIntervalMs = 15_000;

/** Consecutive timeouts that make a server unhealthy: a single timeout is a network glitch. */
const timeoutsMax = 2;

export interface BackendHealth {
  /** Null before the first check. */
  healthy: boolean | null;
  consecutiveFailures: number;
  /** Why the last check failed; null when it did not. */
  errorReason: ErrorReason | null;
  message: string;
  /** Epoch ms of the last check; null before the first. */
  checkedAt: number | null;
  /** Latency of the health page; null when the last check failed. */
  healthMs: number | null;
  baseline: Baseline;
  /** From `statusUrl`; null without one. */
  activeJobs: number | null;
  totalRequests: number | null;
  /** Our requests that ran or waited at the last check. */
  ownJobs: number;
  load: LoadLevel;
}

interface CheckedEvent {
  at: number;
  result: ProbeResult;
  status: StatusReport | null;
  ownJobs: number;
}

type HealthEvents = { checked: CheckedEvent };

export type HealthStore = Store<BackendHealth, HealthEvents, never>;

export const unknownHealth: BackendHealth = {
  healthy: null,
  consecutiveFailures: 0,
  errorReason: null,
  message: '',
  checkedAt: null,
  healthMs: null,
  baseline: noBaseline,
  activeJobs: null,
  totalRequests: null,
  ownJobs: 0,
  load: 'free',
};

/** Whether a failed check makes the server unhealthy (rule 2). */
function isDown(health: BackendHealth, errorReason: ErrorReason, ownJobs: number): boolean {
  if (errorReason !== 'timeout_total') return true;
  return ownJobs === 0 && health.consecutiveFailures + 1 >= timeoutsMax;
}

/** The state after a check. Pure. */
export function afterCheck(health: BackendHealth, checked: CheckedEvent): BackendHealth {
  const { at, result, status, ownJobs } = checked;
  const activeJobs = status?.activeJobs ?? null;
  const totalRequests = status?.totalRequests ?? null;
  const common = { checkedAt: at, ownJobs, activeJobs, totalRequests };
  if (!result.ok) {
    const { errorReason, message } = result;
    const { baseline } = health;
    return {
      ...health,
      ...common,
      healthy: isDown(health, errorReason, ownJobs) ? false : health.healthy,
      consecutiveFailures: health.consecutiveFailures + 1,
      errorReason,
      message,
      healthMs: null,
      load: loadLevel({ ownJobs, activeJobs, healthMs: null, baseline }),
    };
  }
  const idle = ownJobs === 0 && (activeJobs ?? 0) === 0;
  const baseline = idle ? updateBaseline(health.baseline, result.ms) : health.baseline;
  return {
    ...common,
    healthy: true,
    consecutiveFailures: 0,
    errorReason: null,
    message: '',
    healthMs: result.ms,
    baseline,
    load: loadLevel({ ownJobs, activeJobs, healthMs: result.ms, baseline: health.baseline }),
  };
}

export interface HealthOptions {
  /** The backend's id, for the log. */
  id: string;
  probe: Probe;
  /** Our requests that run or wait at the gate now. */
  ownJobs: () => number;
  clock: Clock;
  log?: BackendLog;
  /** From the end of a check to the next, ms. Default 15 s. */
  intervalMs?: number;
}

export function createHealthMonitor(options: HealthOptions) {
  const { id, probe, ownJobs, clock, log, intervalMs = defaultIntervalMs } = options;
  const store: HealthStore = createStore({
    context: unknownHealth,
    on: { checked: (health, event: CheckedEvent) => afterCheck(health, event) },
  });
  let loop: AbortController | null = null;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<BackendHealth> | null = null;

  async function checkOnce(signal: AbortSignal | undefined): Promise<BackendHealth> {
    const before = store.getSnapshot().context;
    const [result, status] = await Promise.all([probe.check(signal), probe.status(signal)]);
    if (signal?.aborted) return before;
    store.trigger.checked({ at: clock.now(), result, status, ownJobs: ownJobs() });
    const { context } = store.getSnapshot();
    if (context.healthy !== before.healthy) {
      const { healthy, errorReason, message } = context;
      const fields = { backend: id, healthy, error_reason: errorReason };
      if (healthy) log?.info(fields, 'the backend answers');
      else log?.warn(fields, `the backend does not answer: ${message}`);
    }
    return context;
  }

  function check(): Promise<BackendHealth> {
    running ??= checkOnce(loop?.signal).finally(() => (running = null));
    return running;
  }

  async function checkRepeatedly(signal: AbortSignal): Promise<void> {
    await check();
    if (!signal.aborted) timer = setTimeout(() => void checkRepeatedly(signal), intervalMs);
  }

  return {
    store,
    /** Checks now, or joins the running check. Resolves with the state after it. */
    check,
    /** Checks at once and then periodically. Idempotent. */
    start(): void {
      if (loop) return;
      loop = new AbortController();
      void checkRepeatedly(loop.signal);
    },
    /** Stops the loop and aborts a running check. Resolves when both have ended. */
    async stop(): Promise<void> {
      loop?.abort();
      loop = null;
      clearTimeout(timer);
      await running;
    },
    /** The current load: from the last check and our own queue now. */
    load(): LoadLevel {
      const { activeJobs, healthMs, baseline } = store.getSnapshot().context;
      return loadLevel({ ownJobs: ownJobs(), activeJobs, healthMs, baseline });
    },
  };
}
export type HealthMonitor = ReturnType<typeof createHealthMonitor>;
