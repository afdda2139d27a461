/** One webhook that the NAS owes to a bridge, and what became of it. */

/**
 * - `waiting`: behind others of its conversation, or for its next try
 * - `answered`: 200
 * - `refused`: another status, to the HEAD or to the POST: "Failed to send a request to the bot server"
 * - `unreachable`: no connection, or it broke; the same message in Chat
 * - `timeout`: no answer within the limit
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
  /** Who typed or clicked. */
  userId: number;
  state: DeliveryState;
  /** POSTs that were begun, HEADs not counted. */
  tries: number;
  /** Of the last HEAD and the last POST. */
  headStatus: number | null;
  status: number | null;
  problem: string | null;
  /** Sent once more although it had been answered. */
  isDuplicate: boolean;
  /** Epoch milliseconds; `endedAtMs` is null while it waits or is sent. */
  atMs: number;
  endedAtMs: number | null;
}

/** What Chat shows a person whose message did not reach the bot. */
export const failedToSend = 'Failed to send a request to the bot server';
