/** What a message asks of the memory. */

/** Which of the remembered facts are meant. */
export interface FactSelector {
  /** Words of the fact. */
  words?: string;
  /** Its number in the list. */
  index?: number;
  all?: boolean;
  /** The one that was kept last in this conversation. */
  last?: boolean;
}

export type MemoryRequest =
  /** `text`: the person's own words. */
  { do: 'keep'; text: string } | { do: 'list' } | { do: 'forget'; which: FactSelector };

/** A message or a part of it, normalised. */
export interface MemoryClause {
  /** In lower case. */
  text: string;
  /** The same with capitals, of the same length. */
  cased: string;
}
