/** Each request to the API with its outcome. Bounded: the oldest entries are dropped, the counts are kept. */
import type { EventFeed } from './event-feed.ts';

/** Enough for a storm with some thousand messages and all their retries; about 20 MB when full. */
const requestsMax = 50_000;

/**
 * How a request ended: `success`, `error` (`success:false`, with `code`), `page` (an HTTP error page), `file`, or `cut`
 * (the connection was ended; `fault` has the position).
 */
export type RequestOutcome = 'success' | 'error' | 'page' | 'file' | 'cut';

export interface ApiRequest {
  /** Counts from 1, in the order in which the headers arrived. */
  n: number;
  /** Epoch milliseconds. */
  atMs: number;
  /** The API's method (`chatbot` …); '' if absent. */
  method: string;
  /** The integration of the token; null for a wrong token. */
  integration: string | null;
  /** Format of the payload. */
  form: 'form' | 'json' | 'none';
  /** The text as sent; null if absent. */
  text: string | null;
  userIds: number[];
  outcome: RequestOutcome;
  httpStatus: number | null;
  code: number | null;
  /** The kind of the injected fault. */
  fault: string | null;
  /** Posts that it made. With outcome `cut` these are posts whose response was lost. */
  postIds: number[];
}

export class RequestLog {
  readonly entries: ApiRequest[] = [];
  readonly counts = new Map<string, number>();
  #n = 0;
  readonly #feed: EventFeed;

  constructor(feed: EventFeed) {
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
