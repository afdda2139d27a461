/** How long the last call of an ask takes, learnt per backend: what must be left of the time for it. */
export interface FinalEstimate {
  /** Milliseconds. */
  of(backendId: string): number;
  learn(backendId: string, ms: number): void;
}

/** Before anything was measured: a short answer of a large model at home. */
const unknownMs = 20_000;
/** The weight of the newest: after three of another size the estimate is there. */
const weight = 0.4;

export function createFinalEstimate(): FinalEstimate {
  const known = new Map<string, number>();
  return {
    of: (backendId) => known.get(backendId) ?? unknownMs,
    learn(backendId, ms) {
      const before = known.get(backendId);
      known.set(backendId, before === undefined ? ms : before + weight * (ms - before));
    },
  };
}
