import type { QueuePosition } from '../contract/model.ts';
import type { GateAnswer, GateRequest } from './gate-types.ts';

interface AttemptLinks {
  id: number;
  /** When this attempt began, by the gate's clock. */
  since: number;
  resolve: (answer: GateAnswer) => void;
  withdraw: () => void;
}

/** One request that asked, or asked again: from the question until it is refused or its slot is free. */
export class Attempt {
  readonly request: GateRequest;
  readonly id: number;
  readonly since: number;
  readonly resolve: (answer: GateAnswer) => void;
  /** What it was told last of its position. */
  told: QueuePosition | null = null;
  /** Ends the timer of its deadline. */
  stopAlarm: () => void = () => {};
  readonly #withdraw: () => void;

  constructor(request: GateRequest, links: AttemptLinks) {
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

  /** Stops listening to the caller's signal, which may live much longer than the request. */
  detach(): void {
    this.request.signal.removeEventListener('abort', this.#withdraw);
  }
}
