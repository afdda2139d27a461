import type { QueuePosition } from '#machines/job-types';
import type { AcquireResult, GateRequest } from './gate-types.ts';

interface GateWaiterInit {
  id: number;
  /** When this wait began, by the gate's clock. */
  since: number;
  resolve: (result: AcquireResult) => void;
  withdraw: () => void;
}

/** One request at the gate, from `acquire` or `requeue` until it is refused or its slot is free. */
export class GateWaiter {
  readonly request: GateRequest;
  readonly id: number;
  readonly since: number;
  readonly resolve: (result: AcquireResult) => void;
  /** The position that it was last notified of. */
  lastPosition: QueuePosition | null = null;
  /** Clears its deadline timer. */
  clearDeadline: () => void = () => {};
  readonly #withdraw: () => void;

  constructor(request: GateRequest, links: GateWaiterInit) {
    this.request = request;
    this.id = links.id;
    this.since = links.since;
    this.resolve = links.resolve;
    this.#withdraw = links.withdraw;
    request.signal.addEventListener('abort', this.#withdraw, { once: true });
  }

  onQueued(position: QueuePosition): void {
    this.request.onQueued(position);
  }

  /** Stops listening to the caller's signal, which may outlive the request. */
  detach(): void {
    this.request.signal.removeEventListener('abort', this.#withdraw);
  }
}
