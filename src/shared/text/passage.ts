/** Part of a text, in UTF-16 code units of its composed form. */
export interface Passage {
  text: string;
  from: number;
  to: number;
  length: number;
}
