/** An embedding model. */

export type EmbedResult =
  | { ok: true; vectors: Float32Array[] }
  | {
      ok: false;
      /** For logs and readiness; no secrets. */
      reason: string;
      /** The texts are the cause, not the server: other texts may succeed. */
      isInput: boolean;
    };

/** The model. All its vectors have the same length; vectors are in the order of the texts. */
export interface Embedder {
  readonly model: string;
  /** Texts in one request, at most. */
  readonly batch: number;
  /** `query`: a user waits for it; `index`: background work. Throws only on bugs. */
  embed(
    texts: readonly string[],
    purpose: 'query' | 'index',
    signal: AbortSignal,
  ): Promise<EmbedResult>;
}
