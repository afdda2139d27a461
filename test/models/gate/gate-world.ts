/**
 * A live gate under virtual time, with callers that the commands of a property test control, and a referee that
 * checks the promises of docs/gate.md at each grant, from what the callers observed.
 */
import { GateActor } from '#models/gate/gate';
import type { GateMachine } from '#machines/gate';
import type { AcquireResult, GateRequest, Permit } from '#models/gate/gate-types';
import type { ModelOptions } from './gate-model.ts';
import { VirtualTime } from './virtual-time.ts';

/** What a caller does when its permit is aborted. */
export type AbortBehavior = 'drains' | 'releases' | 'silent';

export interface Caller {
  id: number;
  user: string;
  priority: 'foreground' | 'background';
  abortBehavior: AbortBehavior;
  arrivedAt: number;
  requestedAt: number;
  isWaiting: boolean;
  /** The results of `acquire` and `requeue`, and the aborts of its permits, in order. */
  outcomes: string[];
  /** All permits granted to it; the last is in use. */
  permits: Permit[];
  /** By fence: the function that ends the drain of this permit. */
  drained: Map<number, () => void>;
  abortController: AbortController;
}

/** Runs microtasks until the promises that can settle have settled. */
export async function flushPromises(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
}

export class GateWorld {
  readonly time = new VirtualTime();
  readonly gate: GateActor;
  readonly callers: Caller[] = [];
  /** The violations of G1, G3 and G4 that the referee found. */
  readonly violations: string[] = [];
  readonly probes: ((ok: boolean) => void)[] = [];
  readonly #options: ModelOptions;
  /** By fence: permits that their callers have not given back. */
  readonly #held = new Map<number, { caller: Caller; until: number }>();

  constructor(options: ModelOptions, machine?: GateMachine) {
    this.#options = options;
    const { failures, probeBackoffMs, probeBackoffMaxMs, probeBoundMs, ...rest } = options;
    this.gate = new GateActor({
      ...rest,
      id: 'world',
      breaker: { failures, probeBackoffMs, probeBackoffMaxMs, probeBoundMs },
      clock: this.time,
      timers: this.time,
      probe: () => new Promise((resolve) => this.probes.push(resolve)),
      ...(machine ? { machine } : {}),
    });
  }

  /** @param question its deadline is by the monotonic clock, like all times here; the gate takes wall clock time */
  addRequest(
    question: Pick<GateRequest, 'user' | 'priority' | 'preemptible' | 'speculative' | 'deadlineAt'>,
    abortBehavior: AbortBehavior,
  ): void {
    const caller: Caller = {
      id: this.callers.length + 1,
      user: question.user,
      priority: question.priority,
      abortBehavior,
      arrivedAt: this.time.monotonicNow(),
      requestedAt: this.time.monotonicNow(),
      isWaiting: true,
      outcomes: [],
      permits: [],
      drained: new Map(),
      abortController: new AbortController(),
    };
    this.callers.push(caller);
    const { deadlineAt } = question;
    const wallClockOffsetMs = this.time.now() - this.time.monotonicNow();
    const answer = this.gate.acquire({
      ...question,
      deadlineAt: deadlineAt === null ? null : deadlineAt + wallClockOffsetMs,
      kind: 'reason',
      signal: caller.abortController.signal,
      onQueued: () => {},
    });
    this.#recordWhenResolved(caller, answer);
  }

  /** A preempted caller queues again. */
  requeue(caller: Caller): void {
    caller.requestedAt = this.time.monotonicNow();
    caller.isWaiting = true;
    this.#recordWhenResolved(caller, (caller.permits.at(-1) as Permit).requeue());
  }

  release(permit: Permit, result: 'ok' | 'failed' | 'unreachable'): void {
    this.#held.delete(permit.fence);
    permit.release({ result });
  }

  /** The caller closes its connection; the slot is free when its drain ends, or after `drainBoundMs`. */
  drain(caller: Caller, permit: Permit): void {
    this.#limitHold(permit.fence, this.time.monotonicNow() + this.#options.drainBoundMs);
    permit.drain(
      new Promise((resolve) => {
        caller.drained.set(permit.fence, () => {
          this.#held.delete(permit.fence);
          resolve();
        });
      }),
    );
  }

  #limitHold(fence: number, until: number): void {
    const held = this.#held.get(fence);
    if (held) held.until = Math.min(held.until, until);
  }

  #recordWhenResolved(caller: Caller, answer: Promise<AcquireResult>): void {
    void answer.then((given) => this.#recordResult(caller, given));
  }

  #recordResult(caller: Caller, acquired: AcquireResult): void {
    caller.isWaiting = false;
    caller.outcomes.push(acquired.ok ? 'granted' : acquired.errorReason);
    if (acquired.ok) this.#hold(caller, acquired.permit);
  }

  #hold(caller: Caller, permit: Permit): void {
    this.#checkGrant(caller, caller.requestedAt + permit.queuedMs);
    caller.permits.push(permit);
    const { leaseMs, drainBoundMs } = this.#options;
    const grantedAt = caller.requestedAt + permit.queuedMs;
    this.#held.set(permit.fence, { caller, until: grantedAt + leaseMs + drainBoundMs });
    const onAbort = (): void => {
      caller.outcomes.push(`abort:${String(permit.signal.reason)}`);
      this.#limitHold(permit.fence, this.time.monotonicNow() + drainBoundMs);
      if (caller.abortBehavior === 'drains') this.drain(caller, permit);
      if (caller.abortBehavior === 'releases') this.release(permit, 'failed');
    };
    if (permit.signal.aborted) onAbort();
    else permit.signal.addEventListener('abort', onAbort, { once: true });
  }

  #checkGrant(granted: Caller, at: number): void {
    const { agingMs, fairShiftMaxMs, concurrency } = this.#options;
    const held = [...this.#held.values()].filter((holder) => holder.until > at);
    if (held.length >= concurrency)
      this.violations.push(`G1: ${granted.id} is one too many at ${at}`);
    for (const other of this.callers) {
      if (!other.isWaiting || other.requestedAt > at) continue;
      const isSameClass = other.priority === granted.priority;
      if (isSameClass && other.user === granted.user && other.id < granted.id) {
        this.violations.push(`G3: ${granted.id} went before ${other.id} of the same user`);
      }
      if (isSameClass) continue;
      const [background, foreground] =
        granted.priority === 'background' ? [granted, other] : [other, granted];
      if (background === granted && at - background.arrivedAt <= agingMs) {
        this.violations.push(`G3: background ${granted.id} went before foreground ${other.id}`);
      }
      const laterBy = foreground.arrivedAt - background.arrivedAt;
      if (background === other && laterBy > agingMs + fairShiftMaxMs) {
        this.violations.push(`G4: ${granted.id} overtook ${other.id} after the bound`);
      }
    }
  }
}
