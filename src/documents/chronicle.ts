/**
 * Changes of documents that the world is told of: the change and its events are one transaction, and nobody
 * hears of it before it is on disk (P2).
 */
import type { DocumentEvent } from '../contract/document-event.ts';
import type { DocumentEvents, NewDocumentEvent } from '../contract/draft-storage.ts';
import type { Library } from './library.ts';

export type Tell = (event: NewDocumentEvent) => void;

export interface Chronicle {
  /** Runs `work` in one transaction, then tells its events. Not for work that waits, and not within another. */
  change<Value>(work: (tell: Tell) => Value): Value;
  /** How many changes there were since the start: the same number, nothing has changed. */
  readonly changes: number;
}

export function createChronicle(parts: {
  library: Pick<Library, 'together'>;
  events: Pick<DocumentEvents, 'append'>;
  live: (event: DocumentEvent) => void;
}): Chronicle {
  const { library, events, live } = parts;
  let changes = 0;
  return {
    get changes() {
      return changes;
    },
    change(work) {
      const told: DocumentEvent[] = [];
      const value = library.together(() => work((event) => void told.push(events.append(event))));
      changes += 1;
      for (const event of told) live(event);
      return value;
    },
  };
}
