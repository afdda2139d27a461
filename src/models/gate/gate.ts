/**
 * The live gate of one backend: the statechart of machines/gate.ts with promises, signals and timers around it. Owns
 * the permits, the timers of leases, drains and deadlines, and the measurements. Makes no decisions: the order,
 * refusals and the circuit are the statechart's. Must never call the model server (the probe is injected), and never
 * hold a slot itself.
 *
 * L1 Every call of `acquire` and `requeue` resolves exactly once; after `stop` no request is left waiting.
 * L2 The statechart processes one event at a time; events sent by a callback meanwhile are queued.
 * L3 All of the gate's own times use one monotonic clock. The wall clock is read only for incoming deadlines and for
 *    the reported time of the next probe: changing it changes no wait and no measurement.
 */
import { createActor } from 'xstate';
import type { Actor } from 'xstate';
import { gateMachine } from '#machines/gate';
import type { GateMachine } from '#machines/gate';
import { findWaiting, positionOf, waitingCount } from '#machines/gate-queue';
import type { Ticket, TicketRequest } from '#machines/gate-queue';
import type { GateEffect, GateEvent, RefusalReason } from '#machines/gate-steps';
import { positionAt, queuePositions, ServiceTimes, estimateFreeSlotMs } from './wait-estimates.ts';
import { invokeSafely, PositionNotifier } from './gate-position-notifier.ts';
import type { QueuePosition } from '#machines/job-types';
import { gateDefaults, gateRulesOf, systemTimers } from './gate-options.ts';
import type { GateObservation, GateOptions, MonotonicTimers } from './gate-options.ts';
import { PermitHolder, setDeadline, GateWaiter } from './permit-holder.ts';
import type { AcquireResult, GateRequest } from './gate-types.ts';
import { zeroCounters, gateViewOf } from './gate-view.ts';
import type { GateView, ObservableGate } from './gate-view.ts';

/** What a request brings along from an earlier gate of the same server. */
export interface RequestPast {
  /** Since its arrival there. */
  waitedMs: number;
  preemptions: number;
  /** It was admitted there and is not refused as `queue_full`. */
  isAdmitted: boolean;
}

/** A running gate. It runs until `stop`; while it is down it keeps a timer for the next probe. */
export class GateActor implements ObservableGate {
  readonly id: string;
  readonly #options: GateOptions;
  readonly #timers: MonotonicTimers;
  /** Added to the monotonic time: the wall clock at the start, so that the gate's times look like wall-clock times. */
  readonly #monotonicOffsetMs: number;
  readonly #actor: Actor<GateMachine>;
  readonly #positionNotifier: PositionNotifier;
  readonly #serviceTimes = new ServiceTimes();
  readonly #counters = zeroCounters();
  /** Waiters by ticket id, holders by fence. */
  readonly #waiters = new Map<number, GateWaiter>();
  readonly #holders = new Map<number, PermitHolder>();
  #clearProbeTimeout: () => void = () => {};
  #lastTicketId = 0;
  #isStopped = false;

  constructor(options: GateOptions) {
    this.id = options.id;
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#monotonicOffsetMs = options.clock.now() - this.#timers.monotonicNow();
    this.#positionNotifier = new PositionNotifier({
      timers: this.#timers,
      waiting: () => waitingCount(this.#context.queue),
      waitersInOrder: () => this.#waitersInOrder(),
      currentPosition: (listener) => this.#currentPosition(listener as GateWaiter),
    });
    this.#actor = createActor(options.machine ?? gateMachine, {
      id: `gate/${options.id}`,
      input: gateRulesOf(options),
      clock: this.#timers,
      ...(options.inspect ? { inspect: options.inspect } : {}),
    });
    this.#actor.on('*', (effect) => this.#runEffect(effect));
    this.#actor.start();
  }

  get #context() {
    return this.#actor.getSnapshot().context;
  }

  /** The gate's clock in whole milliseconds. */
  #now(): number {
    return Math.floor(this.#monotonicOffsetMs + this.#timers.monotonicNow());
  }

  /** How far the wall clock is ahead of the gate's clock: the changes of the wall clock since the start. */
  #wallClockOffsetMs(): number {
    return Math.round(
      this.#options.clock.now() - this.#monotonicOffsetMs - this.#timers.monotonicNow(),
    );
  }

  /** With `past` the request keeps its age and its preemptions. */
  acquire(request: GateRequest, past?: RequestPast): Promise<AcquireResult> {
    this.#lastTicketId += 1;
    const { user, priority, kind, jobId, preemptible, speculative } = request;
    const deadlineAt =
      request.deadlineAt === null ? null : request.deadlineAt - this.#wallClockOffsetMs();
    const ticketRequest: TicketRequest = {
      id: this.#lastTicketId,
      user,
      priority,
      kind,
      jobId,
      preemptible,
      speculative,
      deadlineAt,
    };
    return this.#enqueue(request, ticketRequest.id, (at) =>
      this.#actor.send({
        type: 'request',
        at,
        request: ticketRequest,
        ...(past && { past: { ...past, arrivedAt: at - past.waitedMs } }),
      }),
    );
  }

  /** The current view; O(n) in the number of waiters. */
  view(): GateView {
    return gateViewOf(this.id, this.#actor.getSnapshot(), {
      times: this.#serviceTimes,
      counters: this.#counters,
      now: this.#now(),
      wallClockOffsetMs: this.#wallClockOffsetMs(),
    });
  }

  /**
   * Calls the listener after each turn of the event loop in which something changed. Returns the unsubscribe function.
   */
  subscribe(listener: () => void): () => void {
    return this.#positionNotifier.subscribe(listener);
  }

  /**
   * Refuses all waiting and all later requests with `cancelled`, and clears all timers. Holders keep their permits:
   * their own signals end them. Idempotent.
   */
  stop(): void {
    if (this.#isStopped) return;
    this.#actor.send({ type: 'stop', at: this.#now() });
    this.#isStopped = true;
    this.#clearProbeTimeout();
    this.#positionNotifier.close();
    for (const holder of this.#holders.values()) holder.detachFromGate();
    this.#holders.clear();
  }

  /** Registers the waiter before sending the event, so that the event's effects find it. */
  #enqueue(
    request: GateRequest,
    id: number,
    sendEvent: (at: number) => void,
  ): Promise<AcquireResult> {
    if (this.#isStopped || request.signal.aborted) {
      this.#countRefusal(request, 'cancelled');
      return Promise.resolve({ ok: false, errorReason: 'cancelled', retryAfterMs: null });
    }
    return new Promise((resolve) => {
      const at = this.#now();
      const withdraw = (): void => this.#send({ type: 'withdraw', at: this.#now(), id });
      this.#waiters.set(id, new GateWaiter(request, { id, since: at, resolve, withdraw }));
      sendEvent(at);
    });
  }

  #send(event: GateEvent): void {
    if (!this.#isStopped) this.#actor.send(event);
  }

  #runEffect(effect: GateEffect): void {
    switch (effect.type) {
      case 'waits':
        return this.#startWaiting(effect.ticket);
      case 'granted':
        return this.#grant(effect);
      case 'refused':
        return this.#refuse(effect.id, effect.reason, effect.at);
      case 'aborted':
        return this.#abort(effect);
      case 'adopted':
        return this.#countGrant(this.#holders.get(effect.fence)?.waiter.request, 0);
      case 'freed':
        return this.#free(effect);
      case 'probe':
        return this.#runProbe(effect.probe);
    }
  }

  #startWaiting({ id, deadlineAt }: Ticket): void {
    const waiter = this.#waiters.get(id);
    if (waiter === undefined) return;
    if (deadlineAt !== null) {
      waiter.clearDeadline = setDeadline(
        this.#timers,
        () => this.#now(),
        deadlineAt,
        (at) => this.#send({ type: 'deadlinePassed', at, id }),
      );
    }
    this.#positionNotifier.notifyChange(waiter);
  }

  #grant(effect: Extract<GateEffect, { type: 'granted' }>): void {
    const { ticket, fence, at, overtook } = effect;
    const waiter = this.#removeWaiter(ticket.id);
    if (waiter === undefined) return;
    if (overtook) this.#counters.overtakes += 1;
    const queuedMs = at - waiter.since;
    const holder = new PermitHolder(waiter, fence, queuedMs, {
      timers: this.#timers,
      now: () => this.#now(),
      send: (event) => this.#send(event),
      requeue: (ticket) =>
        this.#enqueue(waiter.request, ticket.id, (at) =>
          this.#actor.send({ type: 'requeue', at, ticket }),
        ),
      leaseMs: this.#options.leaseMs ?? gateDefaults.leaseMs,
      drainBoundMs: this.#options.drainBoundMs ?? gateDefaults.drainBoundMs,
    });
    this.#holders.set(fence, holder);
    if (ticket.speculative !== true) this.#countGrant(waiter.request, queuedMs);
    this.#positionNotifier.notifyChange();
    waiter.resolve({ ok: true, permit: holder });
  }

  /** A speculative request is counted and measured from its adoption on. */
  #countGrant(request: GateRequest | undefined, ms: number): void {
    if (request === undefined) return;
    const { priority, kind } = request;
    this.#counters.grants += 1;
    this.#observe({ type: 'queueWait', priority, kind, ms });
  }

  #refuse(id: number, reason: RefusalReason, at: number): void {
    const waiter = this.#removeWaiter(id);
    if (waiter === undefined) return;
    waiter.detach();
    this.#countRefusal(waiter.request, reason);
    this.#positionNotifier.notifyChange();
    waiter.resolve({ ok: false, errorReason: reason, retryAfterMs: this.#retryAfter(reason, at) });
  }

  #countRefusal({ speculative }: GateRequest, reason: RefusalReason): void {
    if (speculative !== true) this.#counters.refusals[reason] += 1;
  }

  #retryAfter(reason: RefusalReason, at: number): number | null {
    if (reason === 'queue_full') return estimateFreeSlotMs(this.#context, this.#serviceTimes, at);
    if (reason !== 'breaker_open') return null;
    // While the circuit opens, the snapshot is still the previous one.
    const due = this.#context.nextProbeAt ?? at + this.#context.rules.probeBackoffMs;
    return Math.max(0, due - at);
  }

  #abort(effect: Extract<GateEffect, { type: 'aborted' }>): void {
    const isOrdinary = effect.ticket.speculative !== true;
    if (effect.reason === 'preempted' && isOrdinary) this.#counters.preemptions += 1;
    if (effect.reason === 'expired') this.#counters.expiredLeases += 1;
    this.#holders.get(effect.fence)?.abort(effect.reason, effect.ticket);
    this.#positionNotifier.notifyChange();
  }

  #free(effect: Extract<GateEffect, { type: 'freed' }>): void {
    const { slot, at } = effect;
    const holder = this.#holders.get(slot.fence);
    this.#holders.delete(slot.fence);
    holder?.close();
    const ms = at - slot.since;
    if (slot.phase === 'draining') {
      this.#serviceTimes.recordDrain(ms);
      this.#observe({ type: 'drain', ms, timedOut: holder?.drainTimedOut ?? false });
    } else if (holder?.result && slot.ticket.speculative !== true) {
      const { result } = holder;
      const { kind } = holder.waiter.request;
      // Only a complete answer predicts the duration of the next.
      if (result === 'ok') this.#serviceTimes.record(kind, ms);
      this.#observe({ type: 'service', kind, result, ms });
    }
    this.#positionNotifier.notifyChange();
  }

  #runProbe(probe: number): void {
    const timeoutMs = this.#options.breaker?.probeBoundMs ?? gateDefaults.breaker.probeBoundMs;
    const reportResult = (ok: boolean): void => {
      this.#timers.clearTimeout(timeout);
      this.#send({ type: 'probed', at: this.#now(), probe, ok });
      this.#positionNotifier.notifyChange();
    };
    const timeout = this.#timers.setTimeout(() => reportResult(false), timeoutMs);
    this.#clearProbeTimeout = () => this.#timers.clearTimeout(timeout);
    this.#positionNotifier.notifyChange();
    // Started in a microtask, so that a probe that throws synchronously counts as failed.
    Promise.resolve()
      .then(() => this.#options.probe())
      .then(reportResult, () => reportResult(false));
  }

  #removeWaiter(id: number): GateWaiter | undefined {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    waiter?.clearDeadline();
    return waiter;
  }

  *#waitersInOrder() {
    for (const { ticket, position } of queuePositions(
      this.#context,
      this.#serviceTimes,
      this.#now(),
    )) {
      // A waiter may have left while the others were notified; it is skipped.
      const listener = this.#waiters.get(ticket.id);
      const visiblePosition =
        listener === undefined ? undefined : this.#withoutOwnSlots(listener, position);
      if (listener !== undefined && visiblePosition !== undefined)
        yield { listener, position: visiblePosition };
    }
  }

  #currentPosition(waiter: GateWaiter) {
    const context = this.#context;
    const ticket = findWaiting(context.queue, waiter.id);
    if (ticket === undefined) return undefined;
    const position = positionOf(context.queue, ticket, context.rules);
    return this.#withoutOwnSlots(
      waiter,
      positionAt(context, this.#serviceTimes, this.#now(), position),
    );
  }

  /**
   * Undefined when no other request is ahead: the wait is only for an earlier request of the same job, which timed out
   * or was preempted and still holds the slot.
   */
  #withoutOwnSlots(
    { request }: GateWaiter,
    queuePosition: QueuePosition,
  ): QueuePosition | undefined {
    let ownSlots = 0;
    for (const { waiter: holder } of this.#holders.values()) {
      const isSameJob = request.jobId !== undefined && holder.request.jobId === request.jobId;
      if (isSameJob || holder.request === request) ownSlots += 1;
    }
    const ahead = queuePosition.ahead - ownSlots;
    return ahead > 0 ? { ...queuePosition, ahead } : undefined;
  }

  #observe(observation: GateObservation): void {
    const { onObserve } = this.#options;
    if (onObserve) invokeSafely(() => onObserve(observation));
  }
}
