/** A request to the fake model server, as tests see it. */
import type { IncomingMessage } from 'node:http';
import type { ChatMessage } from '#shared/model/model';

/** The body of a chat request, as far as tests look at it. */
export interface ChatBody {
  model: string;
  messages: ChatMessage[];
  stream?: boolean;
  [field: string]: unknown;
}

export interface FakeRequest {
  /** Counts the chat requests from 1. */
  readonly n: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: ChatBody;
  /** performance.now() when it had been read. */
  readonly arrivedAt: number;
  /** performance.now() when the connection ended; null while it is open. */
  closedAt: number | null;
  /** Who ended it: the server finished its answer or cut it, or the client went away before. */
  closedBy: 'server' | 'client' | null;
  /** Resolves with the request when its connection has ended. */
  readonly closed: Promise<FakeRequest>;
}
