/** One line of `gatehouse doctor`. */
export interface CheckResult {
  part: string;
  ok: boolean;
  what: string;
  /** Only with a fault, or if something can be improved. */
  advice?: string;
}
