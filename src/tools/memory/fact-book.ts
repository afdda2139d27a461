/** Port to the memory: what the chat needs of it. */
export interface RememberedFact {
  id: string;
  text: string;
  /** Epoch ms. */
  createdAt: number;
}

export interface ToldFact {
  userId: string;
  text: string;
  /** Of the message that it came with. */
  channel: string | null;
  jobId: string | null;
  /** A second call with the same key keeps no second fact. */
  key: string;
}

export interface FactBook {
  /** @throws GatehouseError GH_MEMORY_INVALID, GH_MEMORY_LIMIT, GH_STORE_… as the following */
  keep(fact: ToldFact): Promise<{ fact: RememberedFact; isNew: boolean }>;
  /** Other facts that may be about the same, best first. */
  similarTo(id: string): Promise<RememberedFact[]>;
  /** Newest first. */
  newest(userId: string, limit: number): Promise<RememberedFact[]>;
  /** All of the person, newest first. */
  all(userId: string): Promise<RememberedFact[]>;
  count(userId: string): Promise<number>;
  /** The person's facts that share words with these, best first. */
  fitting(userId: string, words: string): Promise<RememberedFact[]>;
  /**
   * The fact that the person told last on this channel since a time (epoch ms); without a thread, also one of the person's
   * other private chats. Null: none.
   */
  last(
    origin: { userId: string; channel: string; thread?: string | null | undefined },
    since: number,
  ): Promise<RememberedFact | null>;
  /** Null: the person has no such fact. */
  find(userId: string, id: string): Promise<RememberedFact | null>;
  /** For good. Resolves with the number of facts that it has forgotten. */
  forget(userId: string, ids: readonly string[], jobId: string | null): Promise<number>;
}
