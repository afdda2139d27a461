/** How many rows wait or lie there, for figures. Each count reads an index or a small table, never texts. */
import type { Database } from './database.ts';

export interface Counts {
  /** Documents that can be found. */
  documents: number;
  /** Documents that want a draft, by how far that is. */
  drafts: Record<'waiting' | 'drafting' | 'dead', number>;
  /** Jobs that wait for a person. */
  parked: number;
}

/** Cheap enough for every scrape. */
export function createCountStore({ connection }: Database): () => Counts {
  // Deleted documents have no words, and the sizes of the words are a table of numbers.
  const documents = connection.prepare<[], { n: number }>(
    'select count(*) as n from document_words_docsize',
  );
  const drafts = connection.prepare<[], { state: string; n: number }>(
    'select state, count(*) as n from draft group by state',
  );
  const parked = connection.prepare<[], { n: number }>(
    'select count(*) as n from job where wake_at is not null and ended_at is null',
  );
  return () => {
    const states = Object.fromEntries(drafts.all().map(({ state, n }) => [state, n]));
    const { waiting = 0, drafting = 0, dead = 0 } = states;
    return {
      documents: documents.get()!.n,
      drafts: { waiting, drafting, dead },
      parked: parked.get()!.n,
    };
  };
}
