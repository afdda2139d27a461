/** State shared by the parts of one simulated NAS. `power` and `rules` are changed in place. */
import type { Clock } from '#shared/clock';
import type { Chat } from './chat.ts';
import type { ApiFaults } from './api-faults.ts';
import type { EventFeed } from './event-feed.ts';
import type { DsmRules } from './rules.ts';
import type { ApiRequest } from './api-request.ts';

export interface SimulatorContext {
  readonly chat: Chat;
  readonly feed: EventFeed;
  readonly faults: ApiFaults;
  readonly requests: RequestLog;
  /** Changed in place: each request and each webhook reads it when it is processed. */
  readonly rules: DsmRules;
  readonly power: { isPackageRunning: boolean; isListening: boolean };
  readonly clock: Clock;
  /** Aborted when the NAS is closed: cancels waits and calls. */
  readonly closing: AbortSignal;
}

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
