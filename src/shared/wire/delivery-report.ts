/** Delivery report of one reply. */
export interface Delivery {
  reply_id: string;
  job_id: string;
  channel: string;
  status: 'sent' | 'uncertain' | 'dead';
  parts: number;
  error: string | null;
  /** Epoch ms. */
  at: number;
}
