/**
 * Speculative reasoning: while a message is classified, its question is already sent to the reasoner. If the
 * classification routes the message there, the job continues with the running request; otherwise it is aborted.
 *
 * S1 It uses a slot of the reasoner's gate only while nobody waits there (`RunOptions.speculative`).
 * S2 Its text is shown to nobody before the job asks for the same request. A different request, or an ended job,
 *    discards it.
 * S3 It is not stored: after a crash the job classifies, and asks, again.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  speculationEnds,
  type SpeculationEnd,
  type SpeculationFigures,
} from '#shared/model/speculation';
import type { Backend, ModelOutcome, ModelRequest, RunOptions } from '#shared/model/model';
import { RoutedShare } from './routed-share.ts';

export type SpeculationMode = 'auto' | 'always' | 'never';

export interface SpeculationOptions {
  mode: SpeculationMode;
  reasoner: () => Backend;
  /** Whether the reasoner is another backend than the classifier. */
  canSpeculate: () => boolean;
  /** Whether it has a server of its own, and a request costs nothing but time there. */
  isFreeToUse: () => boolean;
}

/** With `auto`, at least half of the classifications must have chosen the reasoner. */
const worthwhileShare = 0.5;
/** From the decision to the request of the job lies one commit. A job that does not ask in this time has ended. */
const adoptionLimitMs = 2_000;

type Call = Pick<RunOptions, 'user' | 'traceparent' | 'signal'> & { jobId: string };

export class Speculation {
  readonly #options: SpeculationOptions;
  readonly #running = new Map<string, SpeculativeRequest>();
  readonly #share = new RoutedShare();
  readonly #figures = { savedMs: 0, wastedMs: 0 };
  readonly #ends = Object.fromEntries(speculationEnds.map((end) => [end, 0])) as Record<
    SpeculationEnd,
    number
  >;

  constructor(options: SpeculationOptions) {
    this.#options = options;
  }

  /**
   * Sends the question of a job to the reasoner, if that is worth it. Never delays the caller, never fails.
   * `call.signal` ends with the classification.
   */
  begin(call: Call, requestOf: () => Promise<ModelRequest>): void {
    if (!this.#isWorthIt(call.user) || this.#running.has(call.jobId)) return;
    const request = new SpeculativeRequest(call, this.#options.reasoner(), requestOf);
    this.#running.set(call.jobId, request);
    call.signal.addEventListener('abort', () => this.#discard(call.jobId, request), { once: true });
    void request.ended.then((end) => {
      if (end !== null) this.#end(call.jobId, request, end);
    });
  }

  /** `isRouted`: the job will ask the reasoner; null: the classification failed, and nothing is learned from it. */
  decided({ user, jobId }: Pick<Call, 'user' | 'jobId'>, isRouted: boolean | null): void {
    if (isRouted !== null) this.#share.add(user, isRouted);
    const request = this.#running.get(jobId);
    if (request === undefined) return;
    if (isRouted !== true) return this.#discard(jobId, request);
    setTimeout(() => this.#discard(jobId, request), adoptionLimitMs).unref();
  }

  /** Runs a request of a job at the reasoner: continues the speculative one if it is the same. */
  async run(request: ModelRequest, run: RunOptions): Promise<ModelOutcome> {
    const { jobId = '' } = run;
    const begun = this.#running.get(jobId);
    if (begun === undefined) return this.#options.reasoner().run(request, run);
    const adopted = begun.adopt(request, run);
    if (adopted === null) {
      this.#discard(jobId, begun);
      return this.#options.reasoner().run(request, run);
    }
    this.#running.delete(jobId);
    this.#ends.adopted += 1;
    const aheadMs = begun.heldMs();
    this.#figures.savedMs += aheadMs;
    const outcome = await adopted;
    return outcome.ok ? { ...outcome, timings: { ...outcome.timings, aheadMs } } : outcome;
  }

  get figures(): SpeculationFigures {
    return { ends: { ...this.#ends }, ...this.#figures, routedShare: this.#share.overall };
  }

  #isWorthIt(user: string): boolean {
    const { mode, canSpeculate, isFreeToUse } = this.#options;
    if (mode === 'never' || !canSpeculate()) return false;
    if (mode === 'always') return true;
    return isFreeToUse() && (this.#share.of(user) ?? 0) >= worthwhileShare;
  }

  #discard(jobId: string, request: SpeculativeRequest): void {
    this.#end(jobId, request, 'discarded');
    request.abort();
  }

  #end(jobId: string, request: SpeculativeRequest, end: Exclude<SpeculationEnd, 'adopted'>): void {
    if (this.#running.get(jobId) !== request) return;
    this.#running.delete(jobId);
    this.#ends[end] += 1;
    this.#figures.wastedMs += request.heldMs();
  }
}

/** One request in advance, until its job adopts it or it ends without use. */
class SpeculativeRequest {
  /** Resolves with null when it was answered or adopted, else with how it ended. */
  readonly ended: Promise<Exclude<SpeculationEnd, 'adopted' | 'discarded'> | null>;
  readonly #controller = new AbortController();
  readonly #outcome: Promise<ModelOutcome | null>;
  #request: ModelRequest | null = null;
  #grantedAt: number | null = null;
  #answeredAt: number | null = null;
  #adoptPermit: (() => void) | null = null;
  #failed = false;
  #text = '';
  /** The request of the job, once it has adopted this one. */
  #run: RunOptions | null = null;

  constructor(call: Call, reasoner: Backend, requestOf: () => Promise<ModelRequest>) {
    this.#outcome = this.#send(call, reasoner, requestOf);
    this.ended = this.#outcome.then((outcome) => {
      this.#answeredAt = performance.now();
      this.#failed = outcome?.ok !== true;
      if (outcome?.ok === true || this.#run !== null) return null;
      if (outcome === null) return 'failed';
      const { errorReason } = outcome;
      if (errorReason === 'preempted') return 'preempted';
      return this.#grantedAt === null ? 'busy' : 'failed';
    });
  }

  /** Time since the server got it, at most until it was answered. */
  heldMs(): number {
    if (this.#grantedAt === null) return 0;
    return Math.max(0, (this.#answeredAt ?? performance.now()) - this.#grantedAt);
  }

  abort(): void {
    this.#controller.abort();
  }

  /** The outcome of the job's request; null: it is another request, or this one is of no use. */
  adopt(request: ModelRequest, run: RunOptions): Promise<ModelOutcome> | null {
    const isUsable = this.#adoptPermit !== null && !this.#failed;
    if (!isUsable || !isDeepStrictEqual(request, this.#request)) return null;
    this.#run = run;
    this.#adoptPermit!();
    if (run.signal.aborted) this.abort();
    run.signal.addEventListener('abort', () => this.abort(), { once: true });
    if (this.#text !== '') run.onText?.(this.#text, false);
    return this.#outcome as Promise<ModelOutcome>;
  }

  async #send(
    { user, jobId, traceparent }: Call,
    reasoner: Backend,
    requestOf: () => Promise<ModelRequest>,
  ): Promise<ModelOutcome | null> {
    try {
      this.#request = await requestOf();
    } catch {
      // The job builds the same request again, and its failure is reported there.
      return null;
    }
    return reasoner.run(this.#request, {
      kind: 'reason',
      priority: 'foreground',
      user,
      jobId,
      traceparent,
      signal: this.#controller.signal,
      speculative: {
        granted: (adopt) => {
          this.#grantedAt = performance.now();
          this.#adoptPermit = adopt;
        },
      },
      onText: (text, replace) => {
        this.#text = replace ? text : this.#text + text;
        this.#run?.onText?.(text, replace);
      },
      onQueued: (position) => this.#run?.onQueued?.(position),
      onGranted: () => this.#run?.onGranted?.(),
      onPreempted: () => this.#run?.onPreempted?.(),
    });
  }
}
