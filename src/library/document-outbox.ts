/**
 * Transactional outbox for documents: a change and its events are one transaction, and the events are published only
 * after it is on disk (P2).
 */
import type { DocumentEvent } from '#shared/wire/document-event';
import type { DocumentEvents, NewDocumentEvent } from './drafts/draft-storage-port.ts';
import type { Library } from './library.ts';

export type AppendEvent = (event: NewDocumentEvent) => void;

export interface DocumentOutbox {
  /**
   * Runs `work` in one transaction, then publishes its events. `work` must be synchronous; calls must not be nested.
   */
  commit<Value>(work: (append: AppendEvent) => Value): Value;
  /** Number of changes since the start: an equal number means that nothing has changed. */
  readonly changeCount: number;
}

export function createDocumentOutbox(parts: {
  library: Pick<Library, 'transaction'>;
  events: Pick<DocumentEvents, 'append'>;
  live: (event: DocumentEvent) => void;
}): DocumentOutbox {
  const { library, events, live } = parts;
  let changes = 0;
  return {
    get changeCount() {
      return changes;
    },
    commit(work) {
      const appended: DocumentEvent[] = [];
      const value = library.transaction(() =>
        work((event) => void appended.push(events.append(event))),
      );
      changes += 1;
      for (const event of appended) live(event);
      return value;
    },
  };
}
