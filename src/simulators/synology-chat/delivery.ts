/** One webhook call from the NAS to a bridge, and its result. */

/**
 * - `waiting`: queued behind others of its conversation, or waiting for a retry
 * - `answered`: 200
 * - `refused`: another status, to the HEAD or to the POST: "Failed to send a request to the bot server"
 * - `unreachable`: no connection, or it broke; the same message in Chat
 * - `timeout`: no response within the limit
 * - `sulking`: not sent, since an earlier one failed and the URL was not saved again
 * - `unaddressed`: the integration has no URL
 */
export type DeliveryState =
  | 'waiting'
  | 'sending'
  | 'answered'
  | 'refused'
  | 'unreachable'
  | 'timeout'
  | 'sulking'
  | 'unaddressed';

export interface Delivery {
  /** Counts from 1. */
  id: number;
  kind: 'message' | 'click';
  integration: string;
  postId: number;
  /** The user who typed or clicked. */
  userId: number;
  state: DeliveryState;
  /** POSTs that were started, HEADs not counted. */
  tries: number;
  /** Status of the last HEAD and the last POST. */
  headStatus: number | null;
  status: number | null;
  problem: string | null;
  /** A copy that was sent although the first one was answered. */
  isDuplicate: boolean;
  /** Epoch milliseconds; `endedAtMs` is null while it is waiting or sending. */
  atMs: number;
  endedAtMs: number | null;
}

/** What Chat shows a user whose message did not reach the bot. */
export const failedToSend = 'Failed to send a request to the bot server';
