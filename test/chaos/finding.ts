export interface Finding {
  promise: string;
  what: string;
  checked: number;
  /** One line each; empty when the promise was kept. */
  violations: string[];
}
