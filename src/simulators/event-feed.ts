/** Publishes a simulator's events to subscribers: its page, and tests that wait for an event. */
export class EventFeed<E> {
  readonly #listeners = new Set<(event: E) => void>();

  emit(event: E): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Returns the unsubscribe function. */
  subscribe(listener: (event: E) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when `condition` holds; it is checked at each event. Rejects after `timeoutMs`. */
  until(condition: () => boolean, timeoutMs: number): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        unsubscribe();
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`it did not come within ${timeoutMs} ms: ${condition.toString()}`));
      }, timeoutMs);
      const unsubscribe = this.subscribe(() => {
        if (!condition()) return;
        end();
        resolve();
      });
    });
  }
}
