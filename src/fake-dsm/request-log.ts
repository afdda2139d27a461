/** Each request to the API with what it was answered. Bounded: the oldest leave, the counts stay. */
import type { Feed } from './feed.ts';

/** Enough for a storm of some thousand messages with all their retries; about 20 MB when full. */
const requestsMax = 50_000;

/**
 * How a request ended: `success`, `error` (`success:false`, with `code`), `page` (an HTTP error page), `file`,
 * or `cut` (the connection was ended; `fault` says where).
 */
export type RequestOutcome = 'success' | 'error' | 'page' | 'file' | 'cut';

export interface ApiRequest {
  /** Counts from 1 in the order in which the headers arrived. */
  n: number;
  /** Epoch milliseconds. */
  atMs: number;
  /** The API's method (`chatbot` …); '' where none was named. */
  method: string;
  /** Which integration's token it carried; null for a wrong one. */
  integration: string | null;
  /** How the payload came. */
  form: 'form' | 'json' | 'none';
  /** Its text, as sent; null without one. */
  text: string | null;
  userIds: number[];
  outcome: RequestOutcome;
  httpStatus: number | null;
  code: number | null;
  /** The kind of fault that was put in its way. */
  fault: string | null;
  /** Posts it made; not empty with a `cut` answer: this one was lost on the way back. */
  postIds: number[];
}

export class RequestLog {
  readonly entries: ApiRequest[] = [];
  readonly counts = new Map<string, number>();
  #n = 0;
  readonly #feed: Feed;

  constructor(feed: Feed) {
    this.#feed = feed;
  }

  nextN(): number {
    this.#n += 1;
    return this.#n;
  }

  get total(): number {
    return this.#n;
  }

  add(request: ApiRequest): void {
    const { outcome, code } = request;
    const key = code === null ? outcome : `${outcome} ${code}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    this.entries.push(request);
    if (this.entries.length > requestsMax) this.entries.shift();
    this.#feed.emit({ type: 'request', request });
  }
}
