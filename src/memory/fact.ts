/** A fact that a person has asked to remember, in their own words. */
export interface Fact {
  id: string;
  userId: string;
  /** Empty once it is erased. */
  text: string;
  /** The door: `chat`, `http`, `cli` … */
  createdBy: string;
  /** Of the message that it came with; null: it came with none. */
  channel: string | null;
  jobId: string | null;
  /** Epoch ms. */
  createdAt: number;
  /** Null: it is remembered. */
  forgottenAt: number | null;
  /** The job whose message asked to forget it. */
  forgottenBy: string | null;
  /** Counts its changes from 1. */
  revision: number;
}

/** A fact is a sentence or two, and part of a prompt. */
export const factCharsMax = 500;
/** A shorter text is no fact, and could not be told apart from other text when it is erased. */
export const factCharsMin = 4;
