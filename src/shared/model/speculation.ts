/** The figures of speculative requests, for metrics and views. */

/**
 * How a speculative request ended: adopted by its job; discarded, because the job did not need it; preempted by a request
 * that had to wait; busy, the gate had no free slot; failed at the model server.
 */
export const speculationEnds = ['adopted', 'discarded', 'preempted', 'busy', 'failed'] as const;
export type SpeculationEnd = (typeof speculationEnds)[number];

/** Counts and times since the start. */
export interface SpeculationFigures {
  ends: Record<SpeculationEnd, number>;
  /** How much earlier adopted requests began than they would have without speculation. */
  savedMs: number;
  /** Time that the model server spent on requests that were not adopted. */
  wastedMs: number;
  /** Share of the latest classifications that chose the reasoner, 0 to 1; null: too few. */
  routedShare: number | null;
}
