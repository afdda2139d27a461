/** One line of `gatehouse doctor`. */
export interface CheckResult {
  part: string;
  ok: boolean;
  what: string;
  /** Only with a fault, or if something can be improved. */
  advice?: string;
}

/** Makes the lines of one part. */
export const checkResultsOf = (part: string) => ({
  fine: (what: string, advice?: string): CheckResult => ({
    part,
    ok: true,
    what,
    ...(advice === undefined ? {} : { advice }),
  }),
  fault: (what: string, advice: string): CheckResult => ({ part, ok: false, what, advice }),
});
