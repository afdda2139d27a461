/** How a gate is set up: what the operator decides, and what a test replaces. */
import type { InspectionEvent } from 'xstate';
import type { GateMachine } from '../../machines/gate.ts';
import type { GateRules } from '../../machines/gate-slots.ts';
import type { PriorityClass, RequestKind } from '../contract/model.ts';
import type { Clock } from '../lib/clock.ts';

/** What the platform knows of the time that passes, so that a test can hold it in its hand. */
export interface Timers {
  /** Milliseconds since some moment; goes on evenly, whatever the wall clock is set to. */
  elapsed(): number;
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
}

export interface BreakerOptions {
  /** So many ends in a row without reaching the server open the circuit; 1 or more. */
  failures?: number;
  /** Wait before the first probe; doubles with each that fails, up to the maximum. */
  probeBackoffMs?: number;
  probeBackoffMaxMs?: number;
  /** A probe that has not answered by then has failed. */
  probeBoundMs?: number;
}

/** What a gate measured, for histograms. */
export type GateObservation =
  | { type: 'queueWait'; priority: PriorityClass; kind: RequestKind; ms: number }
  | { type: 'service'; kind: RequestKind; result: 'ok' | 'failed' | 'unreachable'; ms: number }
  /** `cutOff`: the slot was freed by the bound, not because the server said it was done. */
  | { type: 'drain'; ms: number; cutOff: boolean };

export interface GateOptions {
  /** The backend's id; also the actor's. */
  id: string;
  /** How many requests the server really runs at once; 1 or more. */
  concurrency: number;
  /** Resolves to whether the server can be reached. Asked only while the gate is down. */
  probe: () => Promise<boolean>;
  /** The wall clock: of deadlines that callers name, and of the next probe that is told. */
  clock: Clock;
  maxQueue?: number;
  agingMs?: number;
  fairShareMs?: number;
  preemptBackground?: boolean;
  maxPreemptions?: number;
  drainBoundMs?: number;
  /** Infinity: a holder keeps its slot for as long as it likes. */
  leaseMs?: number;
  breaker?: BreakerOptions;
  timers?: Timers;
  /** Called in the step that measured; must be quick. */
  onObserve?: (observation: GateObservation) => void;
  /** Every event and state of the statechart, for the inspector. */
  inspect?: (event: InspectionEvent) => void;
  /** The statechart with other actions in it. */
  machine?: GateMachine;
}

/**
 * - maxQueue 64: more than an hour of work for one large model; fewer refuses people on a busy evening.
 * - agingMs 5 min: from there on waiting background work was always counted as starved.
 * - fairShareMs 30 s: about one call of a large model. Shorter and the flood of one user hides a neighbour who
 *   came a little later; longer and the second question of a user waits for much that came after it.
 * - fairShiftMaxMs, 10 shares: nobody is put back by more than the aging time, however much they ask.
 * - maxPreemptions 2: each one costs the work done so far; without a bound a busy day finishes no draft.
 * - drainBoundMs 1 s: a cancel must free the gate within a second. A server notices a closed stream in 1 or 2
 *   tokens; one that reads a long prompt takes up to a minute, and then the next request waits there.
 * - leaseMs 15 min: above the total limit of a request (10 min), so that only a lost holder ever meets it. The pool
 *   sets it by the limit of each backend.
 * - breaker 3 failures: one is a restart of the server. Probes after 1, 2, 4 … 30, 30 s: a server that comes
 *   back is in use within half a minute, and a dead host is not asked every second for days.
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

/** What the statechart is started with. Throws a RangeError on a number that makes no gate. */
export function rulesOf(options: GateOptions): GateRules {
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
