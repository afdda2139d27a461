/** Storage port of the memory: reads, and writes as commands. Nothing here names SQL. */
import type { MemoryEvent, MemoryEventType } from '#shared/wire/memory-event';
import type { Fact } from './fact.ts';

export interface FactChange {
  /** As it shall be stored; its `revision` is that of the basis plus 1, or 1 for a new one. */
  fact: Fact;
  /** Terms by which it is found; none for a fact that is forgotten. */
  terms: readonly string[];
  /** Stored with the change. It has no words of the fact. */
  event: { type: MemoryEventType; data: Record<string, unknown> };
}

/** A fact with those of the terms by which it was found. */
export interface FactCandidate {
  fact: Fact;
  terms: string[];
}

/** The place after which a list goes on. */
export interface FactCursor {
  createdAt: number;
  id: string;
}

/** All calls may answer later; a call that fails rejects. */
export interface MemoryStorage {
  /** Also a forgotten one. */
  find(id: string): Promise<Fact | null>;
  /** The remembered fact of the person that has the same words, whatever their case, width and blanks. */
  findSame(userId: string, text: string): Promise<Fact | null>;
  /** Remembered facts, newest first; `userId` null: of all people. */
  list(userId: string | null, after: FactCursor | null, limit: number): Promise<Fact[]>;
  /** Number of remembered facts of a person. */
  count(userId: string): Promise<number>;
  /**
   * Remembered facts of the person that have some of the terms: those with many and rare terms first, then the newest. Of each
   * term only the newest facts count, so the cost does not grow with their number.
   */
  candidates(userId: string, terms: readonly string[], limit: number): Promise<FactCandidate[]>;
  /**
   * Writes all changes in one transaction, durable when it resolves.
   * @param perUserMax remembered facts of one person, after the change
   * @returns `conflict`, with nothing written, if a stored fact has another revision than the basis of its change, a person
   *   already has a fact with these words, or would have too many
   * @throws GH_STORE_UNAVAILABLE, GH_STORE_FENCED when another process owns the partition of one of the people
   */
  commit(changes: readonly FactChange[], perUserMax: number): Promise<'done' | 'conflict'>;
  /** Forgotten facts whose text is still stored, oldest first; `userId` null: of all people. */
  unerased(userId: string | null, limit: number): Promise<Fact[]>;
  /** Removes the text of forgotten facts for good. */
  erase(ids: readonly string[]): Promise<void>;
  /** Events with `seq` above `afterSeq`, in order; at most `limit`. */
  events(factId: string, afterSeq: number, limit: number): Promise<MemoryEvent[]>;
  /** Removes what is left of facts that were forgotten and erased before `before`; returns their number. */
  prune(before: number): Promise<number>;
}

/** Facts of one term that count. */
export const factsPerTerm = 32;
