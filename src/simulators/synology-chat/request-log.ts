/** Each request to the API with its outcome. Bounded: the oldest entries are dropped, the counts are kept. */
import type { EventFeed } from './event-feed.ts';
import type { ApiRequest } from './api-request.ts';

/** Enough for a storm with some thousand messages and all their retries; about 20 MB when full. */
const requestsMax = 50_000;

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
