/** Row counts for metrics. Each count reads an index or a small table, never texts. */
import type { Database } from './database.ts';

export interface Counts {
  /** Documents that are not deleted. */
  documents: number;
  /** Documents that need a draft, by state. */
  drafts: Record<'waiting' | 'drafting' | 'dead', number>;
  /** Jobs that wait for a person. */
  parked: number;
}

/** Cheap enough for every scrape. */
export function createCountStore({ connection }: Database): () => Counts {
  // Deleted documents have no tokens, and this table of the index holds only numbers.
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
