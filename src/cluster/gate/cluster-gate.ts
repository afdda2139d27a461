/**
 * The gate of one model server at one worker of a cluster: its callers, the arbiter while this worker holds the lease of
 * the gate, and a view of the gate wherever its arbiter is.
 */
import type { MessageTransport } from '#shared/message-transport';
import type { GateOptions, MonotonicTimers } from '#models/gate/gate-options';
import { gateDefaults } from '#models/gate/gate-options';
import type { AcquireResult, GateRequest } from '#models/gate/gate-types';
import type { GateView, ObservableGate } from '#models/gate/gate-view';
import { zeroCounters } from '#models/gate/gate-view';
import type { GateSubjects, Subjects } from '#shared/wire/subjects';
import { GateArbiter } from './gate-arbiter.ts';
import { gateNewsSchema } from './gate-messages.ts';
import type { ClusterTiming } from '../cluster-timing.ts';
import type { GateNews } from './gate-messages.ts';
import { RemoteGate } from './remote-gate.ts';

export interface ClusterGateParts {
  /** Id of this process: its name, a slash, and what makes it unique. */
  worker: string;
  transport: MessageTransport;
  subjects: Pick<Subjects, 'gate'>;
  isConfirmed: () => boolean;
  timing: ClusterTiming;
}

/** Views are sent at changes, at most at this interval … */
const newsMinMs = 500;
/** … and without changes at this one. */
const newsEveryMs = 5_000;
/** A view is not shown for longer than this. */
const newsValidMs = 15_000;

export class ClusterGate implements ObservableGate {
  readonly id: string;
  readonly #options: GateOptions & { timers: MonotonicTimers };
  readonly #parts: ClusterGateParts;
  readonly #subjects: GateSubjects;
  readonly #remote: RemoteGate;
  readonly #listeners = new Set<() => void>();
  readonly #stopWatching: () => void;
  #arbiter: GateArbiter | null = null;
  #stopNews: () => void = () => {};
  #epoch = 0;
  #seen: { news: GateNews; at: number } | null = null;

  constructor(options: GateOptions & { timers: MonotonicTimers }, parts: ClusterGateParts) {
    const { id, clock, timers, drainBoundMs = gateDefaults.drainBoundMs } = options;
    const { worker, transport, timing } = parts;
    this.id = id;
    this.#options = options;
    this.#parts = parts;
    this.#subjects = parts.subjects.gate(id);
    this.#remote = new RemoteGate({
      id,
      worker,
      transport,
      subjects: this.#subjects,
      clock,
      timers,
      drainBoundMs,
      timing: timing.gate,
    });
    this.#stopWatching = transport.subscribe(this.#subjects.view, (message) => {
      const { data } = gateNewsSchema.safeParse(message);
      if (data === undefined || this.#arbiter !== null) return;
      if (data.epoch < (this.#seen?.news.epoch ?? 0)) return;
      this.#seen = { news: data, at: timers.monotonicNow() };
      for (const listener of this.#listeners) listener();
    });
  }

  acquire(request: GateRequest): Promise<AcquireResult> {
    return this.#remote.acquire(request);
  }

  /**
   * This worker grants from now on: it has the lease.
   * @param ownerSilentMs since the last beat of the previous owner; null: it gave the lease up
   */
  hold(epoch: number, ownerSilentMs: number | null): void {
    this.release('lost');
    const { transport, isConfirmed, timing } = this.#parts;
    this.#epoch = epoch;
    this.#arbiter = new GateArbiter({
      gate: this.#options,
      epoch,
      isConfirmed,
      transport,
      subjects: this.#subjects,
      // The first epoch: the lease has never had another owner. An owner that gives it up is mute before.
      silentMs: epoch === 1 ? Infinity : (ownerSilentMs ?? timing.muteAfterMs),
      timing: timing.gate,
    });
    this.#remote.useLocal(this.#arbiter);
    this.#stopNews = this.#sendNews(this.#arbiter);
  }

  /** It does not grant any more. `clean`: the lease is still held, and is given up after this call. */
  release(kind: 'clean' | 'lost'): void {
    if (this.#arbiter === null) return;
    this.#stopNews();
    this.#arbiter.close(kind);
    this.#arbiter = null;
    this.#remote.useLocal(null);
  }

  view(): GateView {
    const arbiter = this.#arbiter;
    if (arbiter !== null) return { ...arbiter.gate.view(), arbiter: this.#ownArbiterView(arbiter) };
    const seen = this.#seen;
    const isValid = seen !== null && this.#options.timers.monotonicNow() - seen.at < newsValidMs;
    if (!isValid) return this.#emptyView();
    const { news } = seen;
    const { epoch, permits } = news;
    return {
      ...news.view,
      counters: zeroCounters(),
      arbiter: { worker: news.arbiter, epoch, permits, isSelf: false },
    };
  }

  /** Requests of this worker that have a permit. */
  get running(): number {
    return this.#remote.running;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  settled(limitMs: number): Promise<void> {
    return this.#remote.settled(limitMs);
  }

  stop(): void {
    this.#remote.stop();
    this.release('lost');
    this.#stopWatching();
  }

  #ownArbiterView(arbiter: GateArbiter): NonNullable<GateView['arbiter']> {
    const permits = arbiter
      .permits()
      .map(({ worker, fence }) => ({ worker: nameOf(worker), fence }));
    return { worker: nameOf(this.#parts.worker), epoch: this.#epoch, isSelf: true, permits };
  }

  #emptyView(): GateView {
    const { id, concurrency, maxQueue = gateDefaults.maxQueue } = this.#options;
    return {
      id,
      state: 'idle',
      circuit: 'closed',
      nextProbeAt: null,
      concurrency,
      maxQueue,
      running: [],
      waiting: [],
      waitingByClass: { foreground: 0, background: 0 },
      counters: zeroCounters(),
      serviceMs: {},
      drainMs: null,
      arbiter: null,
    };
  }

  #sendNews(arbiter: GateArbiter): () => void {
    const { timers } = this.#options;
    const { transport, isConfirmed } = this.#parts;
    let sentAt = Number.NEGATIVE_INFINITY;
    let timer: unknown;
    const send = (): void => {
      sentAt = timers.monotonicNow();
      if (isConfirmed()) {
        const { worker, epoch, permits } = this.#ownArbiterView(arbiter);
        const news: GateNews = { arbiter: worker, epoch, permits, view: arbiter.gate.view() };
        transport.publish(this.#subjects.view, news);
      }
      timer = timers.setTimeout(send, newsEveryMs);
    };
    const unsubscribe = arbiter.gate.subscribe(() => {
      for (const listener of this.#listeners) listener();
      timers.clearTimeout(timer);
      timer = timers.setTimeout(send, Math.max(0, sentAt + newsMinMs - timers.monotonicNow()));
    });
    send();
    return () => {
      unsubscribe();
      timers.clearTimeout(timer);
    };
  }
}

const nameOf = (worker: string): string => worker.slice(0, worker.lastIndexOf('/'));
