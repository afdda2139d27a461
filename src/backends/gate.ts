/**
 * The live gate of one backend: the statechart of machines/gate.ts with promises, signals and timers around it.
 * Owns the permits, the timers of leases, drains and deadlines, and the measurements. Decides nothing: who goes
 * next, who is refused and when the circuit opens is the statechart's. Must never talk to the model server
 * (the probe is handed in), and never hold a request of its own.
 *
 * L1 Every call of `acquire` and `requeue` resolves exactly once; after `stop` nobody is left waiting.
 * L2 The statechart takes one event at a time; what a callback does in between is queued behind it.
 * L3 All of the gate's own times are on one clock that goes on evenly. The wall clock is read where a deadline comes
 *    in and the next probe is shown: when it is set, nobody waits longer or shorter, and nothing measured is wrong.
 */
import { createActor } from 'xstate';
import type { Actor } from 'xstate';
import { gateMachine } from '../../machines/gate.ts';
import type { GateMachine } from '../../machines/gate.ts';
import { findWaiting, positionOf, waitingCount } from '../../machines/gate-queue.ts';
import type { Ticket, TicketAsk } from '../../machines/gate-queue.ts';
import type { GateEffect, GateEvent, RefusalReason } from '../../machines/gate-slots.ts';
import { alarm } from './gate-alarm.ts';
import { placeAt, places, ServiceTimes, untilPlaceFree } from './gate-estimates.ts';
import { callOut, Notices } from './gate-notices.ts';
import type { QueuePosition } from '../contract/model.ts';
import { gateDefaults, rulesOf } from './gate-options.ts';
import type { GateObservation, GateOptions, Timers } from './gate-options.ts';
import { Holder } from './gate-permit.ts';
import { Attempt } from './gate-attempt.ts';
import type { Gate, GateAnswer, GateRequest } from './gate-types.ts';
import { noCounts, viewOf } from './gate-view.ts';
import type { GateView } from './gate-view.ts';

export interface GateActor extends Gate {
  /** The gate at this moment; O(n) in those who wait. */
  view(): GateView;
  /** Calls the listener after each turn of the event loop in which something changed. Returns how to end that. */
  subscribe(listener: () => void): () => void;
  /**
   * Tells everybody who waits, and everybody who comes from now on, `cancelled`, and ends all timers.
   * Holders keep their permits: their own signals end them. Idempotent.
   */
  stop(): void;
}

/** Starts a gate. It runs until `stop`; while it is down it holds a timer for the next probe. */
export const createGate = (options: GateOptions): GateActor => new LiveGate(options);

class LiveGate implements GateActor {
  readonly id: string;
  readonly #options: GateOptions;
  readonly #timers: Timers;
  /** What is added to the time that has passed: the wall clock of the start, so that times look like such. */
  readonly #startAt: number;
  readonly #actor: Actor<GateMachine>;
  readonly #notices: Notices;
  readonly #times = new ServiceTimes();
  readonly #counters = noCounts();
  /** Those who wait, by ticket id; those who hold a slot, by fence. */
  readonly #waiting = new Map<number, Attempt>();
  readonly #holders = new Map<number, Holder>();
  #stopProbe: () => void = () => {};
  #lastId = 0;
  #isStopped = false;

  constructor(options: GateOptions) {
    this.id = options.id;
    this.#options = options;
    this.#timers = options.timers ?? {
      elapsed: () => performance.now(),
      setTimeout,
      clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
    };
    this.#startAt = options.clock.now() - this.#timers.elapsed();
    this.#notices = new Notices({
      timers: this.#timers,
      waiting: () => waitingCount(this.#context.queue),
      inLine: () => this.#inLine(),
      placeOf: (listener) => this.#placeOf(listener as Attempt),
    });
    this.#actor = createActor(options.machine ?? gateMachine, {
      id: `gate/${options.id}`,
      input: rulesOf(options),
      clock: this.#timers,
      ...(options.inspect ? { inspect: options.inspect } : {}),
    });
    this.#actor.on('*', (effect) => this.#carryOut(effect));
    this.#actor.start();
  }

  get #context() {
    return this.#actor.getSnapshot().context;
  }

  /** Whole milliseconds. */
  #now(): number {
    return Math.floor(this.#startAt + this.#timers.elapsed());
  }

  /** How far the wall clock is ahead of the gate's: what it was set by since the start. */
  #wallAheadMs(): number {
    return Math.round(this.#options.clock.now() - this.#startAt - this.#timers.elapsed());
  }

  acquire(request: GateRequest): Promise<GateAnswer> {
    this.#lastId += 1;
    const { user, priority, kind, jobId, preemptible } = request;
    const deadlineAt =
      request.deadlineAt === null ? null : request.deadlineAt - this.#wallAheadMs();
    const ask: TicketAsk = {
      id: this.#lastId,
      user,
      priority,
      kind,
      jobId,
      preemptible,
      deadlineAt,
    };
    return this.#enter(request, ask.id, (at) => this.#actor.send({ type: 'ask', at, ask }));
  }

  view(): GateView {
    return viewOf(this.id, this.#actor.getSnapshot(), {
      times: this.#times,
      counters: this.#counters,
      now: this.#now(),
      wallAheadMs: this.#wallAheadMs(),
    });
  }

  subscribe(listener: () => void): () => void {
    return this.#notices.watch(listener);
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#actor.send({ type: 'stop', at: this.#now() });
    this.#isStopped = true;
    this.#stopProbe();
    this.#notices.close();
    for (const holder of this.#holders.values()) holder.outliveGate();
    this.#holders.clear();
  }

  /** One more who wants in: registered first, so that the effects of the event find it. */
  #enter(request: GateRequest, id: number, ask: (at: number) => void): Promise<GateAnswer> {
    if (this.#isStopped || request.signal.aborted) {
      this.#counters.refusals.cancelled += 1;
      return Promise.resolve({ ok: false, errorReason: 'cancelled', retryAfterMs: null });
    }
    return new Promise((resolve) => {
      const at = this.#now();
      const withdraw = (): void => this.#send({ type: 'withdraw', at: this.#now(), id });
      this.#waiting.set(id, new Attempt(request, { id, since: at, resolve, withdraw }));
      ask(at);
    });
  }

  #send(event: GateEvent): void {
    if (!this.#isStopped) this.#actor.send(event);
  }

  #carryOut(effect: GateEffect): void {
    switch (effect.type) {
      case 'waits':
        return this.#beginWait(effect.ticket);
      case 'granted':
        return this.#grant(effect);
      case 'refused':
        return this.#refuse(effect.id, effect.reason, effect.at);
      case 'aborted':
        return this.#abort(effect);
      case 'freed':
        return this.#free(effect);
      case 'probe':
        return this.#probe(effect.probe);
    }
  }

  #beginWait({ id, deadlineAt }: Ticket): void {
    const attempt = this.#waiting.get(id);
    if (attempt === undefined) return;
    if (deadlineAt !== null) {
      attempt.stopAlarm = alarm(
        this.#timers,
        () => this.#now(),
        deadlineAt,
        (at) => this.#send({ type: 'overdue', at, id }),
      );
    }
    this.#notices.changed(attempt);
  }

  #grant(effect: Extract<GateEffect, { type: 'granted' }>): void {
    const { ticket, fence, at, overtook } = effect;
    const attempt = this.#take(ticket.id);
    if (attempt === undefined) return;
    this.#counters.grants += 1;
    if (overtook) this.#counters.overtakes += 1;
    const queuedMs = at - attempt.since;
    const holder = new Holder(attempt, fence, queuedMs, {
      timers: this.#timers,
      now: () => this.#now(),
      send: (event) => this.#send(event),
      requeue: (ticket) =>
        this.#enter(attempt.request, ticket.id, (at) =>
          this.#actor.send({ type: 'requeue', at, ticket }),
        ),
      leaseMs: this.#options.leaseMs ?? gateDefaults.leaseMs,
      drainBoundMs: this.#options.drainBoundMs ?? gateDefaults.drainBoundMs,
    });
    this.#holders.set(fence, holder);
    const { priority, kind } = attempt.request;
    this.#observe({ type: 'queueWait', priority, kind, ms: queuedMs });
    this.#notices.changed();
    attempt.resolve({ ok: true, permit: holder });
  }

  #refuse(id: number, reason: RefusalReason, at: number): void {
    const attempt = this.#take(id);
    if (attempt === undefined) return;
    attempt.detach();
    this.#counters.refusals[reason] += 1;
    this.#notices.changed();
    attempt.resolve({ ok: false, errorReason: reason, retryAfterMs: this.#retryAfter(reason, at) });
  }

  #retryAfter(reason: RefusalReason, at: number): number | null {
    if (reason === 'queue_full') return untilPlaceFree(this.#context, this.#times, at);
    if (reason !== 'breaker_open') return null;
    // While the circuit is just opening, the snapshot is still the one before it.
    const due = this.#context.nextProbeAt ?? at + this.#context.rules.probeBackoffMs;
    return Math.max(0, due - at);
  }

  #abort(effect: Extract<GateEffect, { type: 'aborted' }>): void {
    if (effect.reason === 'preempted') this.#counters.preemptions += 1;
    if (effect.reason === 'expired') this.#counters.expiredLeases += 1;
    this.#holders.get(effect.fence)?.abort(effect.reason, effect.ticket);
    this.#notices.changed();
  }

  #free(effect: Extract<GateEffect, { type: 'freed' }>): void {
    const { slot, at } = effect;
    const holder = this.#holders.get(slot.fence);
    this.#holders.delete(slot.fence);
    holder?.close();
    const ms = at - slot.since;
    if (slot.phase === 'draining') {
      this.#times.recordDrain(ms);
      this.#observe({ type: 'drain', ms, cutOff: holder?.isCutOff ?? false });
    } else if (holder?.result) {
      const { result } = holder;
      const { kind } = holder.attempt.request;
      // Only a whole answer says how long the next one will take.
      if (result === 'ok') this.#times.record(kind, ms);
      this.#observe({ type: 'service', kind, result, ms });
    }
    this.#notices.changed();
  }

  #probe(probe: number): void {
    const boundMs = this.#options.breaker?.probeBoundMs ?? gateDefaults.breaker.probeBoundMs;
    const answer = (ok: boolean): void => {
      this.#timers.clearTimeout(bound);
      this.#send({ type: 'probed', at: this.#now(), probe, ok });
      this.#notices.changed();
    };
    const bound = this.#timers.setTimeout(() => answer(false), boundMs);
    this.#stopProbe = () => this.#timers.clearTimeout(bound);
    this.#notices.changed();
    // Started in a later step, so that a probe that throws at once is one that failed.
    Promise.resolve()
      .then(() => this.#options.probe())
      .then(answer, () => answer(false));
  }

  #take(id: number): Attempt | undefined {
    const attempt = this.#waiting.get(id);
    this.#waiting.delete(id);
    attempt?.stopAlarm();
    return attempt;
  }

  *#inLine() {
    for (const { ticket, position } of places(this.#context, this.#times, this.#now())) {
      // Whoever left while the others were told is told no more.
      const listener = this.#waiting.get(ticket.id);
      const told = listener === undefined ? undefined : this.#amongOthers(listener, position);
      if (listener !== undefined && told !== undefined) yield { listener, position: told };
    }
  }

  #placeOf(attempt: Attempt) {
    const context = this.#context;
    const ticket = findWaiting(context.queue, attempt.id);
    if (ticket === undefined) return undefined;
    const position = positionOf(context.queue, ticket, context.rules);
    return this.#amongOthers(attempt, placeAt(context, this.#times, this.#now(), position));
  }

  /**
   * Undefined where no one else is ahead: the slot is only being let go by an earlier request of the same job, which
   * timed out or was pushed out.
   */
  #amongOthers({ request }: Attempt, place: QueuePosition): QueuePosition | undefined {
    let own = 0;
    for (const { attempt: holder } of this.#holders.values()) {
      const isSameJob = request.jobId !== undefined && holder.request.jobId === request.jobId;
      if (isSameJob || holder.request === request) own += 1;
    }
    const ahead = place.ahead - own;
    return ahead > 0 ? { ...place, ahead } : undefined;
  }

  #observe(observation: GateObservation): void {
    const { onObserve } = this.#options;
    if (onObserve) callOut(() => onObserve(observation));
  }
}
