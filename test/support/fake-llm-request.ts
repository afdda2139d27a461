/** A request to the fake model server, for the assertions of tests. */
import type { IncomingMessage } from 'node:http';
import type { ChatMessage } from '#shared/model/model';

/** The body of a chat request: the fields that tests check. */
export interface ChatBody {
  model: string;
  messages: ChatMessage[];
  stream?: boolean;
  [field: string]: unknown;
}

export interface FakeRequest {
  /** The number of the chat request, from 1. */
  readonly n: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: ChatBody;
  /** performance.now() when the request had been read. */
  readonly arrivedAt: number;
  /** performance.now() when the connection ended; null while it is open. */
  closedAt: number | null;
  /** The side that ended it: the server finished or cut its answer, or the client disconnected before. */
  closedBy: 'server' | 'client' | null;
  /** Resolves with the request when its connection has ended. */
  readonly closed: Promise<FakeRequest>;
}
