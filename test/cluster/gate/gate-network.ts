/** Workers with a shared gate under virtual time, on a network that loses and delays messages. */
import type { MessageTransport } from '#shared/message-transport';
import type { AcquireResult, GateRequest, Permit } from '#models/gate/gate-types';
import { GateArbiter } from '#cluster/gate/gate-arbiter';
import { clusterTimingOf, type ClusterGateTiming } from '#cluster/cluster-timing';
import { RemoteGate } from '#cluster/gate/remote-gate';
import { createSubjects } from '#shared/wire/subjects';
import { flushPromises } from '../../models/gate/gate-world.ts';
import { VirtualTime } from '../../models/gate/virtual-time.ts';

export interface NetworkFault {
  timing?: Partial<ClusterGateTiming>;
  /** Changes a message on its way. */
  tamper?: (message: unknown) => unknown;
}

/** Of the default settings. */
export const timing = clusterTimingOf({ beatMs: 1_000, goneAfterMs: 5_000 });

const subjects = createSubjects().gate('large');

interface Subscriber {
  owner: string;
  subject: string;
  handler: (message: unknown) => unknown;
}

export interface TestCaller {
  worker: string;
  name: string;
  outcomes: string[];
  permit: Permit | null;
  isWaiting: boolean;
  /** It was speculative, and is an ordinary request now. */
  isAdopted: boolean;
  cancel: () => void;
  requeue: () => void;
}

export class GateNetwork {
  readonly time = new VirtualTime();
  readonly workers = new Map<string, RemoteGate>();
  readonly callers: TestCaller[] = [];
  /** The callers in the order of their grants. */
  readonly grants: string[] = [];
  readonly violations: string[] = [];
  lossPercent = 0;
  delayMaxMs = 0;
  readonly cutOff = new Set<string>();
  /** Workers whose lease is not confirmed: their beats do not reach the database. */
  readonly unconfirmed = new Set<string>();
  arbiter: GateArbiter | null = null;
  arbiterWorker = '';
  epoch = 0;
  readonly #subscribers = new Set<Subscriber>();
  readonly #fault: NetworkFault;
  readonly #timing: ClusterGateTiming;
  readonly #concurrency: number;
  #random = 1;

  constructor(concurrency = 1, fault: NetworkFault = {}) {
    this.#concurrency = concurrency;
    this.#fault = fault;
    this.#timing = { ...timing.gate, ...fault.timing };
  }

  addWorker(id: string): void {
    const { time } = this;
    const options = {
      id: 'large',
      worker: id,
      transport: this.transportOf(id),
      subjects,
      clock: time,
    };
    this.workers.set(id, new RemoteGate({ ...options, timers: time, timing: this.#timing }));
  }

  /** As `kill -9`: its connections close, nothing is said. */
  killWorker(id: string): void {
    this.#removeSubscribers(id);
    this.workers.get(id)?.stop();
    this.workers.delete(id);
    for (const caller of this.callers) if (caller.worker === id) caller.permit = null;
    if (this.arbiterWorker === id) {
      this.arbiter?.close('lost');
      this.arbiter = null;
    }
  }

  /** @param staleMs for this time the previous arbiter goes on: it does not know yet, and is not mute. */
  takeOver(id: string, end: 'clean' | 'lost', staleMs = 0, isFirst = false): void {
    const previous = this.arbiter;
    const previousWorker = this.arbiterWorker;
    const endPrevious = (): void => {
      previous?.close(end);
      if (previousWorker !== this.arbiterWorker) this.workers.get(previousWorker)?.useLocal(null);
    };
    const worker = this.workers.get(id);
    if (worker === undefined) return;
    this.arbiterWorker = id;
    if (staleMs === 0) endPrevious();
    else this.time.setTimeout(endPrevious, staleMs);
    this.epoch += 1;
    const { time } = this;
    this.arbiter = new GateArbiter({
      gate: {
        id: 'large',
        concurrency: this.#concurrency,
        clock: time,
        timers: time,
        probe: () => Promise.resolve(true),
      },
      epoch: this.epoch,
      isConfirmed: () => !this.unconfirmed.has(id),
      transport: this.transportOf(id),
      subjects,
      silentMs: isFirst ? Infinity : timing.muteAfterMs - Math.min(staleMs, timing.beatMs),
      timing: this.#timing,
    });
    worker.useLocal(this.arbiter);
  }

  ask(worker: string, name: string, more: Partial<GateRequest> = {}): TestCaller {
    const gate = this.workers.get(worker);
    if (gate === undefined) throw new Error(`no worker ${worker}`);
    const controller = new AbortController();
    const caller: TestCaller = {
      worker,
      name,
      outcomes: [],
      permit: null,
      isWaiting: true,
      isAdopted: false,
      cancel: () => controller.abort(),
      requeue: () => {},
    };
    this.callers.push(caller);
    const take = (result: AcquireResult): void => {
      caller.isWaiting = false;
      caller.outcomes.push(result.ok ? 'granted' : result.errorReason);
      if (!result.ok || !this.workers.has(worker)) return;
      const { permit } = result;
      caller.permit = permit;
      this.grants.push(name);
      const end = (): void => {
        caller.outcomes.push(String(permit.signal.reason));
        permit.drain(Promise.resolve());
        caller.permit = null;
        if (permit.signal.reason !== 'preempted') return;
        // Nobody needs it.
        if (more.speculative === true && !caller.isAdopted) return;
        caller.isWaiting = true;
        void permit.requeue().then(take);
      };
      if (permit.signal.aborted) end();
      else permit.signal.addEventListener('abort', end, { once: true });
      this.check();
    };
    void gate
      .acquire({
        kind: 'reason',
        priority: 'foreground',
        user: name,
        preemptible: false,
        signal: controller.signal,
        deadlineAt: null,
        onQueued: () => {},
        ...more,
      })
      .then(take);
    return caller;
  }

  end(caller: TestCaller): void {
    caller.permit?.release({ result: 'ok' });
    caller.permit = null;
  }

  adopt(caller: TestCaller): void {
    caller.isAdopted = true;
    caller.permit?.adopt();
  }

  holders(): TestCaller[] {
    return this.callers.filter(({ permit }) => permit !== null && !permit.signal.aborted);
  }

  check(): void {
    const names = this.holders().map(({ name }) => name);
    if (names.length > this.#concurrency)
      this.violations.push(`${names.join(' and ')} at ${this.time.monotonicNow()}`);
  }

  async advance(ms: number): Promise<void> {
    await flushPromises();
    const end = this.time.monotonicNow() + ms;
    // Small steps at first: messages that answer each other take one step each.
    for (let turn = 0; this.time.monotonicNow() < end; turn += 1) {
      this.time.advance(Math.min(turn < 5 ? 10 : 50, end - this.time.monotonicNow()));
      await flushPromises();
      this.check();
    }
  }

  transportOf(owner: string): MessageTransport {
    return {
      payloadMax: 1024 ** 2,
      publish: (subject, message) => {
        for (const to of this.#subscribers)
          if (to.subject === subject) this.#send(owner, to.owner, message, (m) => to.handler(m));
      },
      request: (subject, message, timeoutMs) =>
        new Promise((resolve, reject) => {
          this.time.setTimeout(() => reject(new Error('timeout')), timeoutMs);
          // As a partitioned network: any of two subscribers may get it.
          const all = [...this.#subscribers].filter((one) => one.subject === subject);
          const to = all[this.#below(all.length)];
          if (to === undefined) return reject(new Error('no responders'));
          this.#send(owner, to.owner, message, (m) => {
            const answer = to.handler(m);
            if (answer !== undefined) this.#send(to.owner, owner, answer, resolve);
          });
        }),
      subscribe: (subject, handler) => {
        const one = { owner, subject, handler };
        this.#subscribers.add(one);
        return () => this.#subscribers.delete(one);
      },
    };
  }

  #removeSubscribers(owner: string): void {
    for (const one of this.#subscribers) if (one.owner === owner) this.#subscribers.delete(one);
  }

  #send(from: string, to: string, message: unknown, run: (message: unknown) => void): void {
    if (this.cutOff.has(from) || this.cutOff.has(to)) return;
    if (this.#below(100) < this.lossPercent) return;
    const copy: unknown = JSON.parse(JSON.stringify(message));
    const tampered = this.#fault.tamper ? this.#fault.tamper(copy) : copy;
    this.time.setTimeout(() => run(tampered), this.#below(this.delayMaxMs + 1));
  }

  /** A repeatable sequence of numbers. */
  #below(limit: number): number {
    this.#random = (this.#random * 48_271) % 2_147_483_647;
    return limit === 0 ? 0 : this.#random % limit;
  }
}
