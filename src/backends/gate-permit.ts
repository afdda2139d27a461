/**
 * One holder of a slot, and the permit in its hand. Owns the timers of the lease and of the drain.
 * The statechart fences: what a holder says after its slot was freed has no effect there.
 *
 * H1 The first of `release` and `drain` counts; what comes after says nothing new.
 * H2 An aborted holder that says nothing loses the slot after the drain bound, one that never ends after its
 *    lease and the drain bound.
 */
import type { AbortReason, EventOf } from '../../machines/gate-slots.ts';
import type { Ticket } from '../../machines/gate-queue.ts';
import { timerMaxMs } from './gate-alarm.ts';
import type { Attempt } from './gate-attempt.ts';
import type { Timers } from './gate-options.ts';
import type { GateAnswer, Permit, PermitEnd } from './gate-types.ts';

type PermitEvent = EventOf<'ended'> | EventOf<'closing'> | EventOf<'drained'> | EventOf<'lapsed'>;

interface HolderLinks {
  timers: Timers;
  now: () => number;
  send: (event: PermitEvent) => void;
  requeue: (ticket: Ticket) => Promise<GateAnswer>;
  leaseMs: number;
  drainBoundMs: number;
}

export class Holder implements Permit {
  readonly fence: number;
  readonly queuedMs: number;
  readonly attempt: Attempt;
  /** How the request ended by itself; null until then. */
  result: PermitEnd['result'] | null = null;
  /** The bound freed the slot, nobody said that the server was done. */
  isCutOff = false;
  readonly #links: HolderLinks;
  readonly #controller = new AbortController();
  readonly #lease: unknown;
  #drain: unknown = null;
  #hasEnded = false;
  #isClosed = false;
  #stopFollowing: () => void = () => {};
  /** What a preempted request asks again with. */
  #ticket: Ticket | null = null;

  constructor(attempt: Attempt, fence: number, queuedMs: number, links: HolderLinks) {
    this.attempt = attempt;
    this.fence = fence;
    this.queuedMs = queuedMs;
    this.#links = links;
    this.#lease =
      links.leaseMs === Number.POSITIVE_INFINITY
        ? undefined
        : links.timers.setTimeout(
            () => this.#tell({ type: 'lapsed', at: links.now(), fence }),
            Math.min(links.leaseMs, timerMaxMs),
          );
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  release({ result }: PermitEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stopFollowing();
    this.result = result;
    this.#tell({ type: 'ended', at: this.#links.now(), fence: this.fence, result });
  }

  drain(drained: Promise<void>): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stopFollowing();
    this.#tell({ type: 'closing', at: this.#links.now(), fence: this.fence });
    this.#boundDrain();
    const tellDrained = (): void =>
      this.#tell({ type: 'drained', at: this.#links.now(), fence: this.fence });
    drained.then(tellDrained, tellDrained);
  }

  requeue(): Promise<GateAnswer> {
    const ticket = this.#ticket;
    if (ticket === null) throw new Error(`permit ${this.fence} was not preempted, or asked twice`);
    this.#ticket = null;
    return this.#links.requeue(ticket);
  }

  /** The gate takes the slot back: it drains from now on. */
  abort(reason: AbortReason, ticket: Ticket): void {
    if (reason === 'preempted') this.#ticket = ticket;
    this.#boundDrain();
    this.#controller.abort(reason);
  }

  /** The slot is free, or the gate has stopped: no timer and no listener of this holder is left. */
  close(): void {
    this.#isClosed = true;
    this.#stopFollowing();
    this.#links.timers.clearTimeout(this.#lease);
    if (this.#drain !== null) this.#links.timers.clearTimeout(this.#drain);
    this.attempt.detach();
  }

  /** The gate has stopped: from here on only the caller's own signal ends the request. */
  outliveGate(): void {
    this.close();
    const { signal } = this.attempt.request;
    const follow = (): void => this.#controller.abort('cancelled' satisfies AbortReason);
    signal.addEventListener('abort', follow, { once: true });
    this.#stopFollowing = () => signal.removeEventListener('abort', follow);
  }

  #boundDrain(): void {
    if (this.#drain !== null || this.#isClosed) return;
    this.#drain = this.#links.timers.setTimeout(() => {
      this.isCutOff = true;
      this.#tell({ type: 'drained', at: this.#links.now(), fence: this.fence });
    }, this.#links.drainBoundMs);
  }

  #tell(event: PermitEvent): void {
    this.#links.send(event);
  }
}
