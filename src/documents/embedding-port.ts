/** What the search by meaning asks of others: a model that turns texts into vectors, and a place for them. */

export type Embedded =
  | { ok: true; vectors: Float32Array[] }
  | {
      ok: false;
      /** For logs and readiness; no secrets. */
      reason: string;
      /** The texts are at fault, not the server: others may do better. */
      isInput: boolean;
    };

/** The model. All vectors of one model are equally long; texts go in and vectors come out in one order. */
export interface Embedder {
  readonly model: string;
  /** Texts in one request, at most. */
  readonly batch: number;
  /** `query`: somebody waits for it; `index`: nobody does. Never throws but for bugs. */
  embed(
    texts: readonly string[],
    purpose: 'query' | 'index',
    signal: AbortSignal,
  ): Promise<Embedded>;
}

/** A document whose vectors are to be made anew. */
export interface BacklogEntry {
  /** Changes when the document changes again. */
  ticket: number;
  document: number;
  title: string;
  extractedText: string;
  mdContent: string | null;
}

export interface StoredChunk {
  /** Where it stands in the text that was cut, in UTF-16 code units. */
  start: number;
  length: number;
  vector: Float32Array;
}

export interface NearDocument {
  id: string;
  start: number;
  length: number;
  /** 1 is the same direction, 0 none in common. */
  similarity: number;
}

/** Everything is durable when it returns, unless it says otherwise. */
export interface VectorStorage {
  /**
   * The space that all vectors belong to. Where it is another than before, the vectors are gone and all
   * documents are in the backlog; says whether it was. `dim` null: not known yet.
   */
  use(space: { model: string; dim: number | null }): boolean;
  readonly dim: number | null;
  backlog(limit: number): BacklogEntry[];
  backlogCount(): number;
  /** Replaces the vectors of the document; nothing happens where it has changed since the entry was read. */
  put(entry: Pick<BacklogEntry, 'ticket' | 'document'>, chunks: readonly StoredChunk[]): void;
  /** Out of the backlog without vectors, until the document changes. */
  setAside(entry: Pick<BacklogEntry, 'ticket'>): void;
  /** The best chunk of each document, nearest first. Yields to others between slices. */
  nearest(
    owner: string,
    vector: Float32Array,
    limit: number,
    signal: AbortSignal,
  ): Promise<NearDocument[]>;
}
