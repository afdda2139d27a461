/** Options of a gate: settings of the operator, and parts that tests replace. Defaults and validation. */
import type { InspectionEvent } from 'xstate';
import type { GateMachine } from '#machines/gate';
import type { GateRules } from '#machines/gate-steps';
import type { RequestKind } from '#shared/model/model';
import type { PriorityClass } from '#machines/gate-queue';
import type { Clock } from '#shared/clock';

/** The platform's monotonic clock and timers, as a port, so that tests can use virtual time. */
export interface MonotonicTimers {
  /** Milliseconds since an arbitrary start; monotonic, unaffected by changes of the wall clock. */
  monotonicNow(): number;
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
}

export const systemTimers: MonotonicTimers = {
  monotonicNow: () => performance.now(),
  setTimeout: (work, delayMs) => setTimeout(work, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

export interface BreakerOptions {
  /** Consecutive failures to reach the server that open the circuit; 1 or more. */
  failures?: number;
  /** Delay before the first probe; doubles with each failed probe, up to the maximum. */
  probeBackoffMs?: number;
  probeBackoffMaxMs?: number;
  /** A probe that takes longer has failed. */
  probeBoundMs?: number;
}

/** A measurement of a gate, for histograms. */
export type GateObservation =
  | { type: 'queueWait'; priority: PriorityClass; kind: RequestKind; ms: number }
  | { type: 'service'; kind: RequestKind; result: 'ok' | 'failed' | 'unreachable'; ms: number }
  /** `timedOut`: the drain limit freed the slot, the server did not report that it was done. */
  | { type: 'drain'; ms: number; timedOut: boolean };

export interface GateOptions {
  /** Id of the backend and of the actor. */
  id: string;
  /** How many requests the server runs in parallel; 1 or more. */
  concurrency: number;
  /** Resolves to whether the server can be reached. Called only while the gate is down. */
  probe: () => Promise<boolean>;
  /** The wall clock: for the deadlines of callers and for the reported time of the next probe. */
  clock: Clock;
  maxQueue?: number;
  agingMs?: number;
  fairShareMs?: number;
  preemptBackground?: boolean;
  maxPreemptions?: number;
  drainBoundMs?: number;
  /** Maximum time that a holder keeps its slot; Infinity: no limit. */
  leaseMs?: number;
  breaker?: BreakerOptions;
  timers?: MonotonicTimers;
  /** Called synchronously with the measurement; must be fast. */
  onObserve?: (observation: GateObservation) => void;
  /** Receives every event and state of the statechart, for the inspector. */
  inspect?: (event: InspectionEvent) => void;
  /** Replaces the statechart, for tests. */
  machine?: GateMachine;
}

/**
 * - maxQueue 64: more than an hour of work for one large model; a smaller limit refuses users on a busy evening.
 * - agingMs 5 min: waiting background work of this age has always been counted as starved.
 * - fairShareMs 30 s: about one call of a large model. A shorter value lets many requests of one user delay a user who
 *   came a little later; a longer value makes a user's second question wait for much that came after it.
 * - fairShiftMaxMs, 10 shares: no user is shifted by more than the aging time, however many requests they send.
 * - maxPreemptions 2: each preemption costs the work done so far; without a limit a busy day finishes no draft.
 * - drainBoundMs 1 s: a cancel must free the gate within a second. A server notices a closed stream in 1 or 2 tokens; a
 *   server that reads a long prompt takes up to a minute, and then the next request waits there.
 * - leaseMs 15 min: above the total timeout of a request (10 min), so that it only affects a lost holder. The pool sets
 *   it from the total timeout of each backend.
 * - breaker 3 failures: one failure is a restart of the server. Probes after 1, 2, 4 … 30, 30 s: a server that comes
 *   back is in use within half a minute, and a dead host is not probed every second for days.
 */
export const gateDefaults = {
  maxQueue: 64,
  agingMs: 300_000,
  fairShareMs: 30_000,
  fairShiftShares: 10,
  preemptBackground: true,
  maxPreemptions: 2,
  drainBoundMs: 1_000,
  leaseMs: 900_000,
  breaker: { failures: 3, probeBackoffMs: 1_000, probeBackoffMaxMs: 30_000, probeBoundMs: 10_000 },
} as const;

/** The input of the statechart. Throws a RangeError for an invalid number. */
export function gateRulesOf(options: GateOptions): GateRules {
  const fairShareMs = options.fairShareMs ?? gateDefaults.fairShareMs;
  const breaker = { ...gateDefaults.breaker, ...options.breaker };
  const rules: GateRules = {
    concurrency: options.concurrency,
    maxQueue: options.maxQueue ?? gateDefaults.maxQueue,
    agingMs: options.agingMs ?? gateDefaults.agingMs,
    fairShareMs,
    fairShiftMaxMs: fairShareMs * gateDefaults.fairShiftShares,
    preemptBackground: options.preemptBackground ?? gateDefaults.preemptBackground,
    maxPreemptions: options.maxPreemptions ?? gateDefaults.maxPreemptions,
    breakerFailures: breaker.failures,
    probeBackoffMs: breaker.probeBackoffMs,
    probeBackoffMaxMs: breaker.probeBackoffMaxMs,
  };
  for (const name of ['concurrency', 'breakerFailures'] as const) {
    if (!Number.isInteger(rules[name]) || rules[name] < 1) {
      throw new RangeError(`gate ${options.id}: ${name} must be 1 or more, got ${rules[name]}`);
    }
  }
  if (!(rules.maxQueue >= 0)) {
    throw new RangeError(`gate ${options.id}: maxQueue must be 0 or more, got ${rules.maxQueue}`);
  }
  return rules;
}
