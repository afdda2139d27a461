/** What happens, told to whoever listens: the page, and tests that wait for something. */
import type { Conversation, Post } from './chat.ts';
import type { Delivery } from './delivery.ts';
import type { ApiRequest } from './request-log.ts';

export type Happening =
  | { type: 'post'; post: Post }
  | { type: 'conversation'; conversation: Conversation }
  | { type: 'delivery'; delivery: Delivery }
  | { type: 'request'; request: ApiRequest }
  /** Anything of `state()` changed: rules, faults, the package, a URL, sulking. */
  | { type: 'state' };

export class Feed {
  readonly #listeners = new Set<(happening: Happening) => void>();

  emit(happening: Happening): void {
    for (const listener of this.#listeners) listener(happening);
  }

  /** Returns what ends the subscription. */
  subscribe(listener: (happening: Happening) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
