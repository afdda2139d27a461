/**
 * Runs the ask machine: carries out its model calls and look-ups, and passes on what is written meanwhile.
 *
 * 1. The machine decides; nothing here counts, forces or gives up.
 * 2. The gate is held for each model call, never over the look-ups between two of them.
 * 3. A pure run of the machine would bring nothing: an ask is not stored, and who waits for it goes with the
 *    connection. As a live actor its states abort what they started, and its timers are the deadline.
 */
import { createActor, fromPromise } from 'xstate';
import { askMachine } from '../../machines/ask.ts';
import { ownCallId } from '../../machines/ask-steps.ts';
import type {
  AskInput,
  AskLimits,
  AskOutput,
  AskSource,
  LookupCall,
  LookupsDone,
  ModelCall,
  ModelTurn,
} from '../../machines/ask-types.ts';
import { modelError } from '../contract/model-error.ts';
import type {
  Backend,
  ErrorReason,
  ModelOutcome,
  QueuePosition,
  RunOptions,
} from '../contract/model.ts';
import type { Clock } from '../lib/clock.ts';
import type { GatehouseError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import {
  closingWords,
  reactMessages,
  reactTools,
  unansweredWords,
} from '../routing/react-prompt.ts';
import type { AskQuestion, AskSource as ShownSource } from './ask.ts';
import type { AskLibrary } from './find-sources.ts';
import { printedCallRules, readCalls } from './react-calls.ts';
import { createFinalEstimate, type FinalEstimate } from './react-estimate.ts';
import { foundContent, lookUp, type ShownParts } from './react-lookups.ts';
import { callEntry, lookupEntry, type TraceEntry } from './react-trace.ts';

/** As the system before: what an answer from documents needs, and what a large model at home can bear. */
export const reactLimits: AskLimits = {
  rounds: 2,
  modelCalls: 3,
  lookups: 2,
  resultCharsMax: 2_000,
  // With the question, a server with a context of 4,096 tokens just holds it.
  totalCharsMax: 4_000,
};

/** As for every answer: minutes of speech. */
const answerTokensMax = 4_096;
/** It must stay with the facts. */
const temperature = 0.2;

export interface ReactQuestion extends AskQuestion {
  /** The answer's `trace` tells every step. */
  debug: boolean;
  /** For the whole loop; left out: as long as one request to the backend may take. */
  timeLimitMs?: number;
  /** A search that has been made already: the first round. */
  found?: { query: string; hits: ShownSource[]; isExact: boolean };
  /** Of the job whose step this is. */
  origin?: Pick<RunOptions, 'jobId' | 'traceparent'>;
}

export interface RoundNews {
  round: number;
  calls: { name: string; arguments: string; error?: string }[];
}

export interface ReactListener {
  /** All so far, whenever there are more; their numbers never change. */
  sources(sources: readonly ShownSource[]): void;
  round(round: RoundNews): void;
  /** The next piece of what the model writes; `replaces`: all before it is void. */
  text(content: string, replaces: boolean): void;
  queued(position: QueuePosition): void;
  granted?(): void;
}

interface ReactCounts {
  toolRounds: number;
  llmCalls: number;
  backend: string;
  trace: TraceEntry[] | null;
}

export type ReactOutcome =
  | (ReactCounts & {
      ok: true;
      /** Never empty: where the model wrote nothing, our words say so and name the sources. */
      answer: string;
      sources: ShownSource[];
      /** The answer is not whole: empty, cut off, out of time, or calls were left unanswered. */
      partial: boolean;
      /** The model wrote no word of it. */
      isWordless: boolean;
      /** Time ran out while it was written: it ends anywhere. */
      isBrokenOff: boolean;
    })
  | (ReactCounts & { ok: false; error: GatehouseError });

export interface ReactOptions {
  library: AskLibrary;
  /** @throws GH_BACKEND_UNKNOWN */
  dispatch(name: string | null): Backend;
  /** How long one request to this backend may take, in ms; 0 is no limit. */
  timeLimitMs(backendId: string): number;
  clock: Clock;
  /** IANA name. */
  timeZone: string;
  log: Log;
  limits?: AskLimits;
}

/** Where a backend has no limit: nobody waits longer for an answer. */
const timeLimitMax = 30 * 60_000;

/** Aborting frees the gate at once; the outcome is then an error `cancelled`. @throws GH_BACKEND_UNKNOWN */
export type React = (
  question: ReactQuestion,
  listener: ReactListener,
  signal: AbortSignal,
) => Promise<ReactOutcome>;

/** Answers questions by looking things up in the documents. */
export function createReact(options: ReactOptions): React {
  const estimate = createFinalEstimate();
  return async (question, listener, signal) => {
    const backend = options.dispatch(question.backend);
    const run = new Run(options, question, listener, backend, estimate);
    return run.outcome(signal);
  };
}

class Run {
  readonly #options: ReactOptions;
  readonly #question: ReactQuestion;
  readonly #listener: ReactListener;
  readonly #backend: Backend;
  readonly #estimate: FinalEstimate;
  readonly #limits: AskLimits;
  readonly #startedAt: number;
  readonly #timeLimitMs: number;
  readonly #trace: TraceEntry[] = [];
  readonly #taken = new Set<string>([ownCallId]);
  /** What the model has seen of each document. */
  readonly #parts: ShownParts = new Map();
  /** Something of the call before is on the reader's screen. */
  #isShown = false;
  /** Tells the machine what is shown. */
  #written: (content: string, replaces: boolean) => void = () => undefined;

  constructor(
    options: ReactOptions,
    question: ReactQuestion,
    listener: ReactListener,
    backend: Backend,
    estimate: FinalEstimate,
  ) {
    this.#options = options;
    this.#question = question;
    this.#listener = listener;
    this.#backend = backend;
    this.#estimate = estimate;
    this.#limits = options.limits ?? reactLimits;
    this.#startedAt = options.clock.now();
    const limitMs = question.timeLimitMs ?? options.timeLimitMs(backend.id);
    this.#timeLimitMs = limitMs > 0 ? Math.min(limitMs, timeLimitMax) : timeLimitMax;
  }

  async outcome(signal: AbortSignal): Promise<ReactOutcome> {
    const machine = askMachine.provide({
      actors: {
        model: fromPromise<ModelTurn, ModelCall>(({ input, signal }) => this.#call(input, signal)),
        lookUp: fromPromise<LookupsDone, LookupCall>(({ input, signal }) =>
          this.#lookUp(input, signal),
        ),
      },
    });
    const actor = createActor(machine, { input: this.#input() });
    this.#written = (content, replaces) => actor.send({ type: 'written', content, replaces });
    let told = 0;
    actor.on('sources', ({ sources }) => {
      if (sources.length > told) this.#listener.sources(sources.map(shownSource));
      told = sources.length;
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
      return this.#outcomeOf(await promise);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  #input(): AskInput {
    const { query, userId, found } = this.#question;
    const { library, timeZone } = this.#options;
    const at = this.#startedAt;
    const seed = found && {
      query: found.query,
      sources: found.hits,
      content: foundContent(found.hits, found.isExact, this.#limits.resultCharsMax, {
        library,
        userId,
        query,
        shown: this.#parts,
      }),
    };
    return {
      limits: this.#limits,
      query,
      messages: reactMessages({ query, now: at, timeZone }),
      closing: closingWords(query),
      at,
      deadlineAt: at + this.#timeLimitMs,
      finalMs: this.#finalMs(),
      found: seed ?? null,
    };
  }

  /** Never more than half of the time: the call before the last one has to have some. */
  #finalMs(): number {
    return Math.min(this.#estimate.of(this.#backend.id), this.#timeLimitMs / 2);
  }

  #timed(): { at: number; finalMs: number } {
    return { at: this.#options.clock.now(), finalMs: this.#finalMs() };
  }

  async #call(call: ModelCall, signal: AbortSignal): Promise<ModelTurn> {
    const { messages, choice, withTools } = call;
    if (this.#isShown) this.#show('', true);
    const outcome = await this.#backend.run(
      {
        messages,
        maxTokens: answerTokensMax,
        temperature,
        printedCalls: printedCallRules,
        ...(withTools ? { tools: reactTools, toolChoice: choice } : {}),
      },
      {
        kind: 'ask',
        priority: 'foreground',
        user: this.#question.userId,
        ...this.#question.origin,
        signal,
        deadlineAt: this.#startedAt + this.#timeLimitMs,
        // What comes after its time is no part of the next call.
        onText: (text, replaces) => {
          if (!signal.aborted) this.#show(text, replaces);
        },
        onQueued: (position) => this.#listener.queued(position),
        onGranted: () => this.#listener.granted?.(),
      },
    );
    if (choice === 'none' && outcome.ok) {
      this.#estimate.learn(this.#backend.id, outcome.timings.totalMs);
    }
    const turn = turnOf(outcome, this.#taken, withTools);
    this.#note(callEntry(call, outcome, turn));
    return { ...turn, ...this.#timed() };
  }

  async #lookUp(call: LookupCall, signal: AbortSignal): Promise<LookupsDone> {
    const { library } = this.#options;
    const { query, userId } = this.#question;
    const startedAt = this.#options.clock.now();
    const results = await lookUp(call, {
      library,
      userId,
      query,
      shown: this.#parts,
      signal,
    });
    const timed = this.#timed();
    this.#note(lookupEntry(call, results, timed.at - startedAt));
    return { ...timed, results };
  }

  #show(text: string, replaces: boolean): void {
    this.#isShown = text !== '' || (this.#isShown && !replaces);
    this.#listener.text(text, replaces);
    this.#written(text, replaces);
  }

  /** Kept for the caller who debugs; logged without a word of what was asked and found. */
  #note(entry: TraceEntry): void {
    this.#trace.push(entry);
    const { logged } = entry;
    this.#options.log.info({ backend: this.#backend.id, ...logged }, `ask: ${entry.step}`);
  }

  #outcomeOf(output: AskOutput | null): ReactOutcome {
    const { debug, query } = this.#question;
    const counts: ReactCounts = {
      toolRounds: output?.rounds ?? 0,
      llmCalls: output?.modelCalls ?? 0,
      backend: this.#backend.id,
      trace: debug ? this.#trace : null,
    };
    const failure = output === null ? cancelled : output.failure;
    if (output === null || failure !== null) {
      const told = { ...cancelled, ...failure, backend: failure?.backend || this.#backend.id };
      const errorReason = told.errorReason as ErrorReason;
      return { ...counts, ok: false, error: modelError({ ...told, errorReason }) };
    }
    const { shortfalls, sources, isBrokenOff } = output;
    const { text } = output;
    const isWordless = text.trim() === '';
    const titles = sources.map(({ title }) => title);
    return {
      ...counts,
      ok: true,
      answer: isWordless ? unansweredWords(query, titles) : text,
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

const shownSource = ({ id, title, snippet }: AskSource): ShownSource => ({ id, title, snippet });

/** The model said nothing of use, but its server works. */
const silentReasons: ReadonlySet<ErrorReason> = new Set([
  'empty_answer',
  'unclosed_thinking',
  'answer_too_long',
]);
/** How servers say that they, or their model, take no tools. */
const refusalStatuses: ReadonlySet<number | null> = new Set([400, 422, 501]);

function turnOf(
  outcome: ModelOutcome,
  taken: Set<string>,
  withTools: boolean,
): DistributiveOmit<ModelTurn, 'at' | 'finalMs'> {
  if (outcome.ok) {
    const calls = readCalls(outcome, taken);
    return { ok: true, text: outcome.text, calls, isCut: outcome.finishReason === 'length' };
  }
  const { errorReason, status, message, backend, retryAfterMs, partialText } = outcome;
  const refusesTools =
    withTools &&
    (refusalStatuses.has(status) || (status === 500 && /\btools?\b|jinja/i.test(message)));
  const kind = silentReasons.has(errorReason)
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
