/** Delivery report of one reply. */
export interface Delivery {
  reply_id: string;
  job_id: string;
  channel: string;
  /** `uncertain`: it may have been posted, and is not sent again. `dead`: given up. */
  status: 'sent' | 'uncertain' | 'dead';
  parts: number;
  error: string | null;
  /** Epoch ms. */
  at: number;
}
