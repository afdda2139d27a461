/**
 * Runs the ask machine: executes its model calls and look-ups, and forwards the streamed text.
 *
 * 1. The machine decides; this file has no limits and no retries.
 * 2. The gate is held for each model call, never during the look-ups between two calls.
 * 3. The machine runs as a live actor, not as a pure function: an ask is not stored, and its caller is gone when the
 *    connection closes. Leaving a state of the actor aborts the work of that state, and its timers are the deadline.
 */
import { createActor, fromPromise } from 'xstate';
import { askMachine } from '#machines/ask';
import { syntheticCallId } from '#machines/ask-steps';
import type {
  AskCall,
  AskInput,
  AskLimits,
  AskOutput,
  AskSource,
  FoundSource,
  LookupCall,
  LookupResults,
  ModelCall,
  ModelCallResult,
} from '#machines/ask-types';
import { modelFailureToError } from '#shared/model/model-failure-to-error';
import type {
  Backend,
  ErrorReason,
  ModelAnswer,
  ModelOutcome,
  ModelRequest,
  RunOptions,
} from '#shared/model/model';
import type { QueuePosition } from '#machines/job-types';
import type { Clock } from '#shared/clock';
import type { GatehouseError } from '#shared/errors';
import type { Log } from '#shared/log';
import {
  finalAnswerInstruction,
  askLoopMessages,
  askLoopTools,
  noAnswerMessage,
} from '#language/prompts/ask-prompt';
import type { AskQuestion } from './ask.ts';
import type { RetrievalStore } from './retrieval.ts';
import { printedCallRules, parseToolCalls } from './ask-tool-calls.ts';
import { externalTool, type ExternalRead, type OfferReads } from './external-reads.ts';
import { formatSearchResult, retrieve, type ShownRanges } from './ask-retrieval.ts';
import { modelCallEntry, lookupEntry, type TraceEntry } from './ask-trace.ts';

/** What an answer from documents needs, and what a large model at home can process. */
export const askLoopLimits: AskLimits = {
  rounds: 2,
  modelCalls: 3,
  lookups: 2,
  resultCharsMax: 2_000,
  // Together with the question it just fits into a context of 4,096 tokens.
  totalCharsMax: 4_000,
};

/** The limit of every answer: read aloud, it takes minutes. */
const answerTokensMax = 4_096;
/** Low: the answer must stay with the facts. */
const temperature = 0.2;

export interface AskLoopQuestion extends AskQuestion {
  /** Fills `trace` of the outcome with every step. */
  debug: boolean;
  /** For the whole loop; default: the time limit of one request to the backend. */
  timeLimitMs?: number;
  /** The result of a search that was already made: the first round. */
  found?: { query: string; hits: FoundSource[]; isExact: boolean };
  /** The job of which this ask is a step. */
  origin?: Pick<RunOptions, 'jobId' | 'traceparent'>;
}

export interface AskLoopRound {
  round: number;
  calls: { name: string; arguments: string; error?: string }[];
}

export interface AskLoopListener {
  /** All sources so far, after each new source; the numbers never change. */
  sources(sources: readonly FoundSource[]): void;
  round(round: AskLoopRound): void;
  /** The next piece of the model's text; `replaces`: discard all text before it. */
  text(content: string, replaces: boolean): void;
  queued(position: QueuePosition): void;
  granted?(): void;
}

interface AskLoopStats {
  toolRounds: number;
  llmCalls: number;
  backend: string;
  trace: TraceEntry[] | null;
}

export type AskLoopOutcome =
  | (AskLoopStats & {
      ok: true;
      /** Never empty: if the model wrote nothing, a fixed text says so and names the sources. */
      answer: string;
      sources: FoundSource[];
      /** The answer is incomplete: empty, cut off, out of time, or with unanswered tool calls. */
      partial: boolean;
      /** The model wrote no text. */
      isWordless: boolean;
      /** The time ran out during the answer: it may end within a sentence. */
      isBrokenOff: boolean;
    })
  | (AskLoopStats & { ok: false; error: GatehouseError });

export interface AskLoopOptions {
  library: RetrievalStore;
  /** Reads of other programs. Default: none. */
  offerReads?: OfferReads;
  /** @throws GH_BACKEND_UNKNOWN */
  selectBackend(name: string | null): Backend;
  /** Time limit of one request to this backend in ms; 0: no limit. */
  timeLimitMs(backendId: string): number;
  clock: Clock;
  /** IANA name. */
  timeZone: string;
  log: Log;
  limits?: AskLimits;
}

/** For a backend without a limit: no user waits longer for an answer. */
const timeLimitMax = 30 * 60_000;

/** Aborting frees the gate at once; the outcome is then an error `cancelled`. @throws GH_BACKEND_UNKNOWN */
export type AskLoop = (
  question: AskLoopQuestion,
  listener: AskLoopListener,
  signal: AbortSignal,
) => Promise<AskLoopOutcome>;

/** Answers questions with searches in the documents. */
export function createAskLoop(options: AskLoopOptions): AskLoop {
  const estimator = createFinalCallEstimator();
  return async (question, listener, signal) => {
    const backend = options.selectBackend(question.backend);
    const run = new AskLoopRun(options, question, listener, backend, estimator);
    return run.outcome(signal);
  };
}

class AskLoopRun {
  readonly #options: AskLoopOptions;
  readonly #question: AskLoopQuestion;
  readonly #listener: AskLoopListener;
  readonly #backend: Backend;
  readonly #estimator: FinalCallEstimator;
  readonly #limits: AskLimits;
  readonly #startedAt: number;
  readonly #timeLimitMs: number;
  readonly #trace: TraceEntry[] = [];
  /** The same in every request of this ask: the prompt cache of the server stays valid. */
  readonly #reads: readonly ExternalRead[];
  readonly #usedCallIds = new Set<string>([syntheticCallId]);
  /** The passages of each document that the model has seen. */
  readonly #shownRanges: ShownRanges = new Map();
  /** Text of the previous call is visible to the client. */
  #isShown = false;
  /** Reports the shown text to the machine. */
  #reportWritten: (content: string, replaces: boolean) => void = () => undefined;

  constructor(
    options: AskLoopOptions,
    question: AskLoopQuestion,
    listener: AskLoopListener,
    backend: Backend,
    estimator: FinalCallEstimator,
  ) {
    this.#options = options;
    this.#question = question;
    this.#listener = listener;
    this.#backend = backend;
    this.#estimator = estimator;
    this.#limits = options.limits ?? askLoopLimits;
    this.#startedAt = options.clock.now();
    this.#reads = options.offerReads?.(question.query, question.userId) ?? [];
    const limitMs = question.timeLimitMs ?? options.timeLimitMs(backend.id);
    this.#timeLimitMs = limitMs > 0 ? Math.min(limitMs, timeLimitMax) : timeLimitMax;
  }

  async outcome(signal: AbortSignal): Promise<AskLoopOutcome> {
    const machine = askMachine.provide({
      actors: {
        model: fromPromise<ModelCallResult, ModelCall>(({ input, signal }) =>
          this.#call(input, signal),
        ),
        lookUp: fromPromise<LookupResults, LookupCall>(({ input, signal }) =>
          this.#retrieve(input, signal),
        ),
      },
    });
    const actor = createActor(machine, { input: await this.#input() });
    this.#reportWritten = (content, replaces) => actor.send({ type: 'written', content, replaces });
    let sentSources = 0;
    actor.on('sources', ({ sources }) => {
      if (sources.length > sentSources) this.#listener.sources(sources.map(shownSource));
      sentSources = sources.length;
    });
    actor.on('round', ({ round, calls }) => this.#listener.round({ round, calls }));
    const { promise, resolve, reject } = Promise.withResolvers<AskOutput | null>();
    const cancel = (): void => {
      actor.stop();
      resolve(null);
    };
    actor.subscribe({
      complete: () => resolve(actor.getSnapshot().output ?? null),
      error: reject,
    });
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      if (!signal.aborted) actor.start();
      return this.#toOutcome(await promise);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  async #input(): Promise<AskInput> {
    const { query, userId, found } = this.#question;
    const { library, timeZone } = this.#options;
    const at = this.#startedAt;
    const seed = found && {
      query: found.query,
      sources: found.hits,
      content: await formatSearchResult(found.hits, found.isExact, this.#limits.resultCharsMax, {
        library,
        userId,
        query,
        shownRanges: this.#shownRanges,
      }),
    };
    return {
      limits: this.#limits,
      query,
      messages: askLoopMessages({
        query,
        now: at,
        timeZone,
        hasExternalReads: this.#reads.length > 0,
      }),
      closing: finalAnswerInstruction(query),
      at,
      deadlineAt: at + this.#timeLimitMs,
      finalMs: this.#finalMs(),
      found: seed ?? null,
    };
  }

  /** At most half of the time limit: the call before the last one needs time too. */
  #finalMs(): number {
    return Math.min(this.#estimator.estimateMs(this.#backend.id), this.#timeLimitMs / 2);
  }

  get #tools(): NonNullable<ModelRequest['tools']> {
    return [...askLoopTools, ...this.#reads.map(externalTool)];
  }

  #timing(): { at: number; finalMs: number } {
    return { at: this.#options.clock.now(), finalMs: this.#finalMs() };
  }

  async #call(call: ModelCall, signal: AbortSignal): Promise<ModelCallResult> {
    const { messages, choice, withTools } = call;
    if (this.#isShown) this.#show('', true);
    const outcome = await this.#backend.run(
      {
        messages,
        maxTokens: answerTokensMax,
        temperature,
        printedCalls: printedCallRules(this.#reads),
        ...(withTools ? { tools: this.#tools, toolChoice: choice } : {}),
      },
      {
        kind: 'ask',
        priority: 'foreground',
        user: this.#question.userId,
        ...this.#question.origin,
        signal,
        deadlineAt: this.#startedAt + this.#timeLimitMs,
        // Text that arrives after the abort is not part of the next call.
        onText: (text, replaces) => {
          if (!signal.aborted) this.#show(text, replaces);
        },
        onQueued: (position) => this.#listener.queued(position),
        onGranted: () => this.#listener.granted?.(),
      },
    );
    if (choice === 'none' && outcome.ok) {
      this.#estimator.record(this.#backend.id, outcome.timings.totalMs);
    }
    const turn = toModelTurn(outcome, withTools, (answer) =>
      parseToolCalls(answer, this.#usedCallIds, this.#reads),
    );
    this.#recordStep(modelCallEntry(call, outcome, turn));
    return { ...turn, ...this.#timing() };
  }

  async #retrieve(call: LookupCall, signal: AbortSignal): Promise<LookupResults> {
    const { library } = this.#options;
    const { query, userId } = this.#question;
    const startedAt = this.#options.clock.now();
    const results = await retrieve(call, {
      library,
      userId,
      query,
      shownRanges: this.#shownRanges,
      signal,
      reads: this.#reads,
      readMs: this.#startedAt + this.#timeLimitMs - startedAt - this.#finalMs(),
    });
    const timed = this.#timing();
    this.#recordStep(lookupEntry(call, results, timed.at - startedAt));
    return { ...timed, results };
  }

  #show(text: string, replaces: boolean): void {
    this.#isShown = text !== '' || (this.#isShown && !replaces);
    this.#listener.text(text, replaces);
    this.#reportWritten(text, replaces);
  }

  /** Kept for `debug`; logged without any text of the question or the documents. */
  #recordStep(entry: TraceEntry): void {
    this.#trace.push(entry);
    const { logged } = entry;
    this.#options.log.info({ backend: this.#backend.id, ...logged }, `ask: ${entry.step}`);
  }

  #toOutcome(output: AskOutput | null): AskLoopOutcome {
    const { debug, query } = this.#question;
    const counts: AskLoopStats = {
      toolRounds: output?.rounds ?? 0,
      llmCalls: output?.modelCalls ?? 0,
      backend: this.#backend.id,
      trace: debug ? this.#trace : null,
    };
    const failure = output === null ? cancelled : output.failure;
    if (output === null || failure !== null) {
      const details = { ...cancelled, ...failure, backend: failure?.backend || this.#backend.id };
      const errorReason = details.errorReason as ErrorReason;
      return { ...counts, ok: false, error: modelFailureToError({ ...details, errorReason }) };
    }
    const { shortfalls, sources, isBrokenOff } = output;
    const { text } = output;
    const isWordless = text.trim() === '';
    const titles = sources.map(({ title }) => title);
    return {
      ...counts,
      ok: true,
      answer: isWordless ? noAnswerMessage(query, titles) : text,
      sources: sources.map(shownSource),
      partial: shortfalls.length > 0,
      isWordless,
      isBrokenOff,
    };
  }
}

const cancelled = {
  backend: '',
  errorReason: 'cancelled',
  message: 'the question was cancelled',
  status: null,
  retryAfterMs: null,
};

const shownSource = ({ id, title, snippet }: AskSource): FoundSource => ({ id, title, snippet });

/** The model gave no usable text, but its server works. */
const emptyAnswerReasons: ReadonlySet<ErrorReason> = new Set([
  'empty_answer',
  'unclosed_thinking',
  'answer_too_long',
]);
/** Statuses with which servers report that they, or their model, do not support tools. */
const toolRefusalStatuses: ReadonlySet<number | null> = new Set([400, 422, 501]);

function toModelTurn(
  outcome: ModelOutcome,
  withTools: boolean,
  parseCalls: (answer: ModelAnswer) => AskCall[],
): DistributiveOmit<ModelCallResult, 'at' | 'finalMs'> {
  if (outcome.ok) {
    const calls = parseCalls(outcome);
    return { ok: true, text: outcome.text, calls, isCut: outcome.finishReason === 'length' };
  }
  const { errorReason, status, message, backend, retryAfterMs, partialText } = outcome;
  const refusesTools =
    withTools &&
    (toolRefusalStatuses.has(status) || (status === 500 && /\btools?\b|jinja/i.test(message)));
  const kind = emptyAnswerReasons.has(errorReason)
    ? 'silent'
    : errorReason === 'deadline'
      ? 'late'
      : refusesTools
        ? 'refuses-tools'
        : 'gone';
  const failure = { backend, errorReason, message, status, retryAfterMs };
  return { ok: false, kind, text: partialText, failure };
}

type DistributiveOmit<Value, Key extends PropertyKey> = Value extends unknown
  ? Omit<Value, Key>
  : never;

/** Before the first measurement: a short answer of a large model at home. */
const initialEstimateMs = 20_000;

/** Weight of the newest value: the estimate adapts after three calls. */
const newestWeight = 0.4;

function createFinalCallEstimator() {
  const averages = new Map<string, number>();
  return {
    /** Milliseconds. */
    estimateMs: (backendId: string): number => averages.get(backendId) ?? initialEstimateMs,
    record(backendId: string, ms: number): void {
      const before = averages.get(backendId);
      averages.set(backendId, before === undefined ? ms : before + newestWeight * (ms - before));
    },
  };
}
/** Estimates the duration of an ask's last model call per backend: this much time must be reserved for it. */
type FinalCallEstimator = ReturnType<typeof createFinalCallEstimator>;
