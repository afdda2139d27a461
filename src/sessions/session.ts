/** What is known of a signed-in browser, and of an invite. */

export interface Session {
  id: string;
  /** Null: the operator. */
  userId: string | null;
  /** Null: it was made with an invite code. */
  keyProof: string | null;
  /** Browser and system, from its user agent. */
  device: string;
  /** Epoch ms, as all times here. */
  createdAt: number;
  /** To some minutes. */
  usedAt: number;
  /** It ends then, unless it is used before. */
  expiresAt: number;
}

export interface Invite {
  id: string;
  userId: string;
  createdAt: number;
  expiresAt: number;
}
