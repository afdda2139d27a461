/** Estimates the duration of an ask's last model call per backend: this much time must be reserved for it. */
export interface FinalCallEstimator {
  /** Milliseconds. */
  estimateMs(backendId: string): number;
  record(backendId: string, ms: number): void;
}

/** Before the first measurement: a short answer of a large model at home. */
const initialEstimateMs = 20_000;
/** Weight of the newest value: the estimate adapts after three calls. */
const newestWeight = 0.4;

export function createFinalCallEstimator(): FinalCallEstimator {
  const averages = new Map<string, number>();
  return {
    estimateMs: (backendId) => averages.get(backendId) ?? initialEstimateMs,
    record(backendId, ms) {
      const before = averages.get(backendId);
      averages.set(backendId, before === undefined ? ms : before + newestWeight * (ms - before));
    },
  };
}
