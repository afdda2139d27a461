/** Port of semantic search to the storage of its vectors. */
import type { ErrorCode } from '#shared/errors';

/** A document whose vectors must be made. */
export interface BacklogEntry {
  /** Changes when the document changes again. */
  ticket: number;
  document: number;
  title: string;
  extractedText: string;
  mdContent: string | null;
}

export interface StoredChunk {
  /** Start in the text that was split, in UTF-16 code units. */
  start: number;
  length: number;
  vector: Float32Array;
}

export interface NearDocument {
  id: string;
  start: number;
  length: number;
  /** 1: the same direction; 0: nothing in common. */
  similarity: number;
}

/** What makes vectors comparable. */
export interface VectorSpace {
  model: string;
  /** Null until the first vector is stored. */
  dim: number | null;
}

/** Each write is one transaction, durable when it returns or resolves. */
export interface VectorStorage {
  /**
   * Sets the embedding space of all vectors. When it differs from the stored one, all vectors are removed and all
   * documents are put into the backlog; returns whether it has replaced another space.
   */
  use(space: VectorSpace): boolean | Promise<boolean>;
  /** Numbers per stored vector; null until the first is stored. */
  dim(): Promise<number | null>;
  /** Documents whose vectors must be made, those that wait longest first. */
  backlog(limit: number): Promise<BacklogEntry[]>;
  backlogCount(): Promise<number>;
  /** Replaces the vectors of the document; does nothing when the document has changed since the entry was read. */
  put(
    entry: Pick<BacklogEntry, 'ticket' | 'document'>,
    chunks: readonly StoredChunk[],
  ): void | Promise<void>;
  /** Takes the document off the backlog without vectors, until it changes. */
  setAside(entry: Pick<BacklogEntry, 'ticket'>): void | Promise<void>;
  /** The best chunk of each document, nearest first. Yields to the event loop between slices. */
  nearest(
    owner: string,
    vector: Float32Array,
    limit: number,
    signal: AbortSignal,
  ): Promise<NearDocument[]>;
}

/** Ends the reason of each database. */
export const missingExtension: ErrorCode = 'GH_SEARCH_EXTENSION';

/** The reason says in one sentence what this system lacks, with the code. */
export type OpenedVectors = { ok: true; store: VectorStorage } | { ok: false; reason: string };
