/** Messages between the workers of a cluster, as core NATS delivers them: at most once, in any order. JSON values. */
export interface MessageTransport {
  /** Rejects without a subscriber, without a connection, and after `timeoutMs`. */
  request(subject: string, message: unknown, timeoutMs: number): Promise<unknown>;
  /** Lost without a connection. */
  publish(subject: string, message: unknown): void;
  /** The result of the handler answers a request; undefined: no answer. Returns the unsubscribe function. */
  subscribe(subject: string, handler: (message: unknown) => unknown): () => void;
}
