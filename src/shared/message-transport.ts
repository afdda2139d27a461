/** Messages between the workers of a cluster, as core NATS delivers them: at most once, in any order. JSON values. */
export interface MessageTransport {
  /** The largest message that the server takes, in bytes of JSON. */
  readonly payloadMax: number;
  /**
   * Rejects with `NotDeliveredError` without a subscriber or a connection, and with another error after `timeoutMs`: then
   * it is not known whether the message was received.
   */
  request(subject: string, message: unknown, timeoutMs: number): Promise<unknown>;
  /** Lost without a connection, or when it is too large for the server. */
  publish(subject: string, message: unknown): void;
  /**
   * The result of the handler, or what it resolves with, answers a request; undefined: no answer. It must not reject.
   * Returns the unsubscribe function.
   */
  subscribe(subject: string, handler: (message: unknown) => unknown): () => void;
}

/** Nothing has received the message. */
export class NotDeliveredError extends Error {}
