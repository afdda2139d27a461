/** Publishes the simulator's events to subscribers: the page, and tests that wait for an event. */
import type { Conversation, Post } from './chat-types.ts';
import type { Delivery } from './delivery.ts';
import type { ApiRequest } from './api-request.ts';

export type SimulatorEvent =
  | { type: 'post'; post: Post }
  | { type: 'conversation'; conversation: Conversation }
  | { type: 'delivery'; delivery: Delivery }
  | { type: 'request'; request: ApiRequest }
  /** A part of `state()` changed: rules, faults, the package, a URL, sulking. */
  | { type: 'state' };

export class EventFeed {
  readonly #listeners = new Set<(happening: SimulatorEvent) => void>();

  emit(event: SimulatorEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Returns the unsubscribe function. */
  subscribe(listener: (happening: SimulatorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
