/** The requests to a simulator, newest last, and the number of each outcome. */

/**
 * How a request ended: `success`, `error` (refused by the API, with `code`), `page` (an HTTP error page), `file`, or
 * `cut` (the connection was ended; the fault has the position).
 */
export type RequestOutcome = 'success' | 'error' | 'page' | 'file' | 'cut';

export interface LoggedRequest {
  outcome: RequestOutcome;
  code: number | null;
}

/** Enough for a storm with some thousand messages and all their retries; about 20 MB when full. */
const requestsMax = 50_000;

export class RequestLog<R extends LoggedRequest> {
  readonly entries: R[] = [];
  readonly counts = new Map<string, number>();
  #n = 0;
  readonly #added: (request: R) => void;

  constructor(added: (request: R) => void) {
    this.#added = added;
  }

  nextN(): number {
    this.#n += 1;
    return this.#n;
  }

  get total(): number {
    return this.#n;
  }

  add(request: R): void {
    const { outcome, code } = request;
    const key = code === null ? outcome : `${outcome} ${code}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    this.entries.push(request);
    if (this.entries.length > requestsMax) this.entries.shift();
    this.#added(request);
  }
}
