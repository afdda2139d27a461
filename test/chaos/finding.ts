export interface Finding {
  promise: string;
  what: string;
  checked: number;
  /** One line per violation; empty when the promise was kept. */
  violations: string[];
}
