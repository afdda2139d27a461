/** One line of `gatehouse doctor`. */
export interface Finding {
  part: string;
  ok: boolean;
  what: string;
  /** Only with a fault, or where something could be better. */
  advice?: string;
}
