/**
 * A gate that several workers share, for the callers of one worker. Its arbiter grants; this side keeps the requests, so that
 * they outlive the arbiter.
 *
 * R1 While it has requests, or an end that no arbiter has confirmed, it beats; at once when something changes.
 * R2 A permit is valid for `permitMs` after the send time of the last confirmed beat. Its holder aborts before that.
 * R3 Messages of an epoch below the highest one that was seen are refused.
 */
import type { MessageTransport } from '#shared/message-transport';
import type { Clock } from '#shared/clock';
import { setDeadline } from '#models/gate/permit-holder';
import { gateDefaults } from '#models/gate/gate-options';
import type { MonotonicTimers } from '#models/gate/gate-options';
import type { AcquireResult, Gate, GateRequest, PermitEnd } from '#models/gate/gate-types';
import type { GateArbiter } from './gate-arbiter.ts';
import type { GateSubjects } from '#shared/wire/subjects';
import type { ClusterGateTiming } from '../cluster-timing.ts';
import { announcementSchema, stateSchema } from './gate-messages.ts';
import type { Closing, GateBeat, GateState, Verdict } from './gate-messages.ts';
import { RemoteTicket } from './remote-ticket.ts';
import type { TicketInit, TicketOwner } from './remote-ticket.ts';

export interface RemoteGateOptions {
  /** Of the backend. */
  id: string;
  /** Of this process; never used again. */
  worker: string;
  transport: MessageTransport;
  subjects: GateSubjects;
  clock: Clock;
  timers: MonotonicTimers;
  drainBoundMs?: number;
  timing: ClusterGateTiming;
}

export class RemoteGate implements Gate, TicketOwner {
  readonly id: string;
  readonly timers: MonotonicTimers;
  readonly drainBoundMs: number;
  readonly #options: RemoteGateOptions;
  readonly #timing: ClusterGateTiming;
  readonly #tickets = new Map<string, RemoteTicket>();
  readonly #unsubscribe: (() => void)[];
  /** Results by fence, until a beat with them is confirmed. */
  readonly #ended = new Map<string, PermitEnd['result']>();
  /** Send times of the beats that are not confirmed, with the ends that they carried. */
  readonly #sent = new Map<number, { at: number; ended: string[] }>();
  #local: GateArbiter | null = null;
  #closing: Closing | null = null;
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #changedAt = 0;
  #confirmedSeq = 0;
  #seq = 0;
  #epoch = 0;
  #stateSeq = 0;
  #lastId = 0;
  #lastFence = 0;
  #isFlushing = false;
  #isStopped = false;
  #beatTimer: unknown = null;
  #abortTimer: unknown = null;
  #onConfirmed: () => void = () => {};

  constructor(options: RemoteGateOptions) {
    this.id = options.id;
    this.timers = options.timers;
    this.drainBoundMs = options.drainBoundMs ?? gateDefaults.drainBoundMs;
    this.#options = options;
    this.#timing = options.timing;
    const { transport, subjects, worker } = options;
    this.#unsubscribe = [
      transport.subscribe(subjects.worker(worker), (message) => this.#read(message)),
      transport.subscribe(subjects.all, (message) => this.#announced(message)),
    ];
  }

  /** Requests that have a permit. */
  get running(): number {
    return [...this.#tickets.values()].filter(({ phase }) => phase === 'running').length;
  }

  acquire(request: GateRequest): Promise<AcquireResult> {
    this.#lastId += 1;
    const arrivedAt = this.timers.monotonicNow();
    return this.#wait(request, { id: this.#lastId, turn: 1, arrivedAt, preemptions: 0 });
  }

  requeue({ request, init }: RemoteTicket): Promise<AcquireResult> {
    const { turn, preemptions } = init;
    return this.#wait(request, { ...init, turn: turn + 1, preemptions: preemptions + 1 });
  }

  /** This process is the arbiter from now on (null: no more); then no message travels. */
  useLocal(arbiter: GateArbiter | null): void {
    this.#local = arbiter;
    arbiter?.connectLocal(this.#options.worker, (state) => this.#apply(state));
    if (this.#tickets.size > 0) this.changed();
  }

  /** Resolves when the arbiter knows the end of all requests, after `limitMs` at the latest. */
  async settled(limitMs: number): Promise<void> {
    const isSettled = (): boolean =>
      this.#isStopped || (this.#tickets.size === 0 && this.#confirmedSeq >= this.#changedAt);
    if (isSettled()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.timers.setTimeout(resolve, limitMs);
    this.#onConfirmed = () => {
      if (isSettled()) resolve();
    };
    await promise;
    this.#onConfirmed = () => {};
    this.timers.clearTimeout(timer);
  }

  /** Refuses the waiting requests and aborts the running ones. Idempotent. */
  stop(): void {
    if (this.#isStopped) return;
    for (const ticket of this.#tickets.values()) {
      if (ticket.phase === 'waiting') ticket.refuse('cancelled', null);
      else ticket.abort('cancelled');
    }
    this.#flush();
    this.#isStopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.timers.clearTimeout(this.#beatTimer);
    this.timers.clearTimeout(this.#abortTimer);
  }

  changed(): void {
    if (this.#isStopped) return;
    this.#changedAt = this.#seq + 1;
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  finished(ticket: RemoteTicket, result: PermitEnd['result'] | null): void {
    this.#tickets.delete(`${ticket.init.id}.${ticket.init.turn}`);
    if (result !== null && ticket.wireFence !== null) this.#ended.set(ticket.wireFence, result);
    this.changed();
  }

  #wait(request: GateRequest, init: TicketInit): Promise<AcquireResult> {
    const refused = (errorReason: 'cancelled' | 'deadline'): Promise<AcquireResult> =>
      Promise.resolve({ ok: false, errorReason, retryAfterMs: null });
    if (request.signal.aborted || this.#isStopped) return refused('cancelled');
    const now = this.timers.monotonicNow();
    const leftMs =
      request.deadlineAt === null ? null : request.deadlineAt - this.#options.clock.now();
    if (leftMs !== null && leftMs <= 0) return refused('deadline');
    const ticket = new RemoteTicket(request, init, this);
    this.#tickets.set(`${init.id}.${init.turn}`, ticket);
    if (leftMs !== null) {
      ticket.dueAt = now + leftMs;
      ticket.clearDeadline = setDeadline(
        this.timers,
        () => this.timers.monotonicNow(),
        ticket.dueAt,
        () => ticket.refuse('deadline', null),
      );
    }
    this.changed();
    return ticket.result;
  }

  #flush(): void {
    if (this.#isStopped) return;
    this.timers.clearTimeout(this.#beatTimer);
    this.#beatTimer = null;
    if (this.#tickets.size === 0 && this.#confirmedSeq >= this.#changedAt) return;
    this.#beatTimer = this.timers.setTimeout(() => this.#flush(), this.#timing.beatMs);
    this.#seq += 1;
    const beat: GateBeat = {
      worker: this.#options.worker,
      seq: this.#seq,
      epoch: this.#epoch,
      tickets: [...this.#tickets.values()].map((ticket) => ticket.report()),
      ended: [...this.#ended].map(([fence, result]) => ({ fence, result })),
      closing: this.#closing,
    };
    this.#sent.set(beat.seq, { at: this.timers.monotonicNow(), ended: [...this.#ended.keys()] });
    const state = this.#local?.receive(beat);
    if (state) return this.#apply(state);
    const { transport, subjects } = this.#options;
    // Without an arbiter the next beat tries again.
    transport.request(subjects.door, beat, this.#timing.beatMs).then(
      (answer) => this.#read(answer),
      () => {},
    );
  }

  #read(message: unknown): void {
    const state = stateSchema.safeParse(message);
    if (state.success) this.#apply(state.data);
  }

  #announced(message: unknown): void {
    const { data } = announcementSchema.safeParse(message);
    if (data?.type === 'closing' && data.closing.epoch >= this.#epoch) this.#closing = data.closing;
    if (data?.type === 'who' && data.epoch > this.#epoch) this.#meet(data.epoch);
  }

  /** R3. */
  #meet(epoch: number): void {
    this.#epoch = epoch;
    this.#stateSeq = 0;
    if (this.#tickets.size > 0) this.changed();
  }

  #apply(state: GateState): void {
    if (this.#isStopped || state.epoch < this.#epoch) return;
    if (state.epoch > this.#epoch) this.#meet(state.epoch);
    if (state.seq <= this.#stateSeq) return;
    this.#stateSeq = state.seq;
    // Before the confirmation: what is aborted here must not be extended.
    for (const { id, turn, verdict } of state.tickets) {
      if (verdict.type !== 'granted') this.#follow(`${id}.${turn}`, verdict);
    }
    this.#confirm(state.confirmed);
    for (const { id, turn, verdict } of state.tickets) {
      if (verdict.type === 'granted') this.#grant(`${id}.${turn}`, verdict.fence);
    }
  }

  #confirm(seq: number): void {
    const sent = this.#sent.get(seq);
    if (sent !== undefined) {
      this.#confirmedAt = Math.max(this.#confirmedAt, sent.at);
      for (const fence of sent.ended) this.#ended.delete(fence);
      this.#watch();
    }
    this.#confirmedSeq = Math.max(this.#confirmedSeq, seq);
    for (const old of this.#sent.keys()) if (old <= seq) this.#sent.delete(old);
    this.#onConfirmed();
  }

  get #abortAt(): number {
    return this.#confirmedAt + this.#timing.abortMs;
  }

  /** R2. */
  #watch(): void {
    this.timers.clearTimeout(this.#abortTimer);
    this.#abortTimer = null;
    if (this.#tickets.size === 0) return;
    this.#abortTimer = this.timers.setTimeout(
      () => {
        for (const ticket of this.#tickets.values()) ticket.abort('expired');
      },
      Math.max(0, this.#abortAt - this.timers.monotonicNow()),
    );
  }

  #follow(key: string, verdict: Exclude<Verdict, { type: 'granted' }>): void {
    const ticket = this.#tickets.get(key);
    if (ticket === undefined) return;
    if (verdict.type === 'aborted') {
      // Aborted before its grant arrived: the caller gets a permit that is aborted already.
      if (ticket.phase === 'waiting' && verdict.fence !== null) this.#start(ticket, verdict.fence);
      return ticket.abort(verdict.reason);
    }
    if (ticket.phase !== 'waiting') return;
    if (verdict.type === 'refused') return ticket.refuse(verdict.reason, verdict.retryAfterMs);
    if (verdict.position !== null) ticket.moved(verdict.position);
  }

  #grant(key: string, wireFence: string): void {
    const ticket = this.#tickets.get(key);
    // It was withdrawn, and that beat may be lost.
    if (ticket === undefined) return this.changed();
    if (ticket.phase !== 'waiting') return;
    const now = this.timers.monotonicNow();
    // Too late: the next state brings it again, if the slot is still kept.
    if (now >= this.#abortAt) return;
    if (ticket.dueAt !== null && now >= ticket.dueAt) return ticket.refuse('deadline', null);
    this.#start(ticket, wireFence);
    this.changed();
    this.#watch();
  }

  #start(ticket: RemoteTicket, wireFence: string): void {
    this.#lastFence += 1;
    ticket.grant(wireFence, this.#lastFence);
  }
}
