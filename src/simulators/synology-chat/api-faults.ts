/**
 * Injected faults for API requests: first those of a queue that tests or users fill, then those of a storm (random
 * faults). A storm is seeded: the same seed and the same order of requests give the same faults.
 */
import { randomOf, type Random } from './random.ts';

export const apiMethods = [
  'incoming',
  'chatbot',
  'user_list',
  'channel_list',
  'post_list',
  'post_file_get',
] as const;
export type ApiMethod = (typeof apiMethods)[number];

/**
 * - `error`: `success:false` with status 200; nothing is stored
 * - `page`: an HTML page of the web server in front of the package, with an HTTP error or a redirect; nothing is stored
 * - `says`: the given status and body: a refusal in another form, an empty response; nothing is stored
 * - `nobody`: `success:true` with all users in `data.fail`; nothing is stored
 * - `slow`: succeeds, but the headers come late and the body byte by byte
 * - `cut`: the connection ends; `atOnce` before the request was read, `unstored` after it was read, `stored` after the
 *   post is in the chat, `answer` in the middle of the response (stored too)
 * - `down`: ends this connection and refuses new ones for a while
 */
export type Fault =
  | { kind: 'error'; code: number; errors?: string }
  | { kind: 'page'; status: number }
  | { kind: 'says'; status: number; body: string; contentType?: string }
  | { kind: 'nobody' }
  | { kind: 'slow'; headersMs: number; bodyMs: number }
  | { kind: 'cut'; at: 'atOnce' | 'unstored' | 'stored' | 'answer' }
  | { kind: 'down'; forMs: number };

export interface FaultScope {
  /** How many requests get it; 1 by default, Infinity until `clearFaults`. */
  times?: number;
  /** Only requests for this method; any by default. */
  method?: ApiMethod;
}

export interface Storm {
  seed: number;
  /** Fraction of the requests, 0 to 1, that get a fault. */
  rate: number;
  /** Picked with equal chance; `stormFaults` by default. */
  faults?: readonly Fault[];
}

/** All known kinds of failure, each short enough for a test. */
export const stormFaults: readonly Fault[] = [
  { kind: 'error', code: 117 },
  { kind: 'error', code: 411 },
  { kind: 'error', code: 100 },
  { kind: 'page', status: 500 },
  { kind: 'page', status: 503 },
  { kind: 'page', status: 404 },
  { kind: 'page', status: 403 },
  { kind: 'page', status: 302 },
  { kind: 'slow', headersMs: 150, bodyMs: 150 },
  { kind: 'cut', at: 'atOnce' },
  { kind: 'cut', at: 'unstored' },
  { kind: 'cut', at: 'stored' },
  { kind: 'cut', at: 'answer' },
  { kind: 'down', forMs: 200 },
];

export interface QueuedFault {
  fault: Fault;
  timesLeft: number;
  method: ApiMethod | null;
}

export class ApiFaults {
  readonly queue: QueuedFault[] = [];
  #storm: Storm | null = null;
  #random: Random = randomOf(0);

  add(fault: Fault, { times = 1, method }: FaultScope = {}): void {
    if (times > 0) this.queue.push({ fault, timesLeft: times, method: method ?? null });
  }

  clear(): void {
    this.queue.length = 0;
  }

  get storm(): Storm | null {
    return this.#storm;
  }

  set storm(storm: Storm | null) {
    this.#storm = storm;
    this.#random = randomOf(storm?.seed ?? 0);
  }

  /** The fault of the next request for `method`. */
  take(method: string): Fault | null {
    const index = this.queue.findIndex((one) => one.method === null || one.method === method);
    const queued = this.queue[index];
    if (queued !== undefined) {
      queued.timesLeft -= 1;
      if (queued.timesLeft <= 0) this.queue.splice(index, 1);
      return queued.fault;
    }
    if (this.#storm === null) return null;
    const { rate, faults = stormFaults } = this.#storm;
    // Both numbers are drawn every time, so that a changed rate does not change which request gets which fault.
    const [isHit, pick] = [this.#random() < rate, this.#random()];
    return isHit ? (faults[Math.floor(pick * faults.length)] ?? null) : null;
  }
}
