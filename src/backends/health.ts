/**
 * Watches one server: whether it lives, how fast it says so, how busy it is. Owns the loop and the shared state that
 * many read. It must never send anything that needs the model, and never decide who may send (that is the gate's).
 *
 * 1. One check at a time; the next begins `intervalMs` after the last one has ended.
 * 2. A server that refuses or cannot be found is unhealthy at once. One that is only slow to answer is unhealthy
 *    after two checks, and not at all while it works for us: then slowness is what is to be expected.
 * 3. The baseline learns only from checks at which the server was idle, as far as we know.
 */
import { createStore, type Store } from '@xstate/store';
import type { ErrorReason } from '../contract/model.ts';
import type { Clock } from '../lib/clock.ts';
import type { BackendLog } from './backend-log.ts';
import { learn, loadOf, noBaseline, type Baseline, type LoadLevel } from './load.ts';
import type { Probe, ProbeResult, StatusReport } from './probe.ts';

/** Often enough that a person hears of an outage before they ask twice, rarely enough that no log fills with it. */
const INTERVAL_MS = 15_000;

/** Slow answers in a row that make a server unhealthy: a single one is a hiccup of the network. */
const TIMEOUTS_MAX = 2;

export interface BackendHealth {
  /** Null before the first check. */
  healthy: boolean | null;
  consecutiveFailures: number;
  /** Why the last check failed; null when it did not. */
  errorReason: ErrorReason | null;
  message: string;
  /** Epoch ms of the last check; null before the first. */
  checkedAt: number | null;
  /** How long the health page took; null when the last check failed. */
  healthMs: number | null;
  baseline: Baseline;
  /** From `statusUrl`; null where there is none. */
  activeJobs: number | null;
  totalRequests: number | null;
  /** Requests of ours that ran or waited at the last check. */
  ownJobs: number;
  load: LoadLevel;
}

interface Checked {
  at: number;
  result: ProbeResult;
  status: StatusReport | null;
  ownJobs: number;
}

type HealthEvents = { checked: Checked };

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
  return ownJobs === 0 && health.consecutiveFailures + 1 >= TIMEOUTS_MAX;
}

/** The state after a check. Pure. */
export function afterCheck(health: BackendHealth, checked: Checked): BackendHealth {
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
      load: loadOf({ ownJobs, activeJobs, healthMs: null, baseline }),
    };
  }
  const idle = ownJobs === 0 && (activeJobs ?? 0) === 0;
  const baseline = idle ? learn(health.baseline, result.ms) : health.baseline;
  return {
    ...common,
    healthy: true,
    consecutiveFailures: 0,
    errorReason: null,
    message: '',
    healthMs: result.ms,
    baseline,
    load: loadOf({ ownJobs, activeJobs, healthMs: result.ms, baseline: health.baseline }),
  };
}

export interface HealthOptions {
  /** The backend's id, for the log. */
  id: string;
  probe: Probe;
  /** Requests of ours that run or wait at the gate now. */
  ownJobs: () => number;
  clock: Clock;
  log?: BackendLog;
  /** Between the end of a check and the next. Default 15 s. */
  intervalMs?: number;
}

export interface HealthMonitor {
  readonly store: HealthStore;
  /** Checks at once and then in the interval. Does nothing when started already. */
  start(): void;
  /** Ends the loop and a check that runs. Resolves when nothing is left. */
  stop(): Promise<void>;
  /** Checks now, or takes part in the check that runs. Resolves with the state after it. */
  check(): Promise<BackendHealth>;
  /** The load now: the last check, and our own queue of this moment. */
  load(): LoadLevel;
}

export function createHealthMonitor(options: HealthOptions): HealthMonitor {
  const { id, probe, ownJobs, clock, log, intervalMs = INTERVAL_MS } = options;
  const store: HealthStore = createStore({
    context: unknownHealth,
    on: { checked: (health, event: Checked) => afterCheck(health, event) },
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

  async function turn(signal: AbortSignal): Promise<void> {
    await check();
    if (!signal.aborted) timer = setTimeout(() => void turn(signal), intervalMs);
  }

  return {
    store,
    check,
    start() {
      if (loop) return;
      loop = new AbortController();
      void turn(loop.signal);
    },
    async stop() {
      loop?.abort();
      loop = null;
      clearTimeout(timer);
      await running;
    },
    load() {
      const { activeJobs, healthMs, baseline } = store.getSnapshot().context;
      return loadOf({ ownJobs: ownJobs(), activeJobs, healthMs, baseline });
    },
  };
}
