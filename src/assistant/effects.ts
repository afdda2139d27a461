/**
 * What carries out the job machine's effects: rules, models and tools. Every effect returns an outcome as
 * data; a failure names what failed, and the machine decides what follows.
 */
import type {
  Backend,
  ModelFailure,
  ModelOutcome,
  ModelRequest,
  RequestKind,
} from '../contract/model.ts';
import { logFieldsOf } from '../contract/trace.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { shownCause } from '../lib/shown-cause.ts';
import type { Decision, ToolCall } from '../../machines/decision.ts';
import type {
  BusyLoad,
  Draft,
  EffectFailure,
  ToolResult,
  ToolsReport,
} from '../../machines/job-types.ts';
import { textsOf, type Locale } from '../../machines/texts.ts';
import type { EffectCall, EffectResult, Effects } from '../journal/effects.ts';
import type { Turn } from '../store/job-queries.ts';
import type { AnswerFromDocuments } from './react-effect.ts';

/** What the assistant knows of language: rules, prompts, and how to read what a model wrote. */
export interface Language {
  /** ISO 8601 in the person's time zone. */
  now(atMs: number): string;
  /** What the rules say, or null. */
  route(message: string, now: string): Decision | null;
  classify(input: PromptInput): ModelRequest;
  /** The one second try, after an answer that could not be read. */
  reask(input: PromptInput, raw: string): ModelRequest;
  /** Null when the answer cannot be read. */
  readDecision(raw: string, input: { message: string; now: string }): Decision | null;
  /** What of an answer in words is shown; null where nothing of it is for a person. */
  plainAnswer(raw: string): string | null;
  /** How much of an answer that is being written may be shown, of which `from` characters were. */
  plainAnswerEnd(text: string, from: number): number;
  reason(input: PromptInput): ModelRequest;
  answer(input: PromptInput): ModelRequest;
  word(input: {
    message: string;
    now: string;
    locale: Locale;
    results: ToolResult[];
  }): ModelRequest;
}

export interface PromptInput {
  message: string;
  now: string;
  locale: Locale;
  history: Turn[];
}

export interface ToolContext {
  userId: string;
  locale: Locale;
  now: string;
  /** IANA name. */
  timeZone: string;
  signal: AbortSignal;
  /** Stable over restarts: a tool that writes does so once per key. */
  key: string;
  jobId: string;
  traceparent: string | undefined;
}

/** The tools, as the assistant needs them. */
export interface Toolbox {
  run(calls: ToolCall[], context: ToolContext): Promise<ToolsReport>;
  revise(draft: Draft, changes: Record<string, unknown>, context: ToolContext): Promise<Draft>;
  /** The only way to a write. */
  execute(draft: Draft, context: ToolContext): Promise<ToolResult>;
}

export interface AssistantOptions {
  language: Language;
  classifier: Backend;
  reasoner: Backend;
  /** Null where nobody needs to hear of it. */
  reasonerLoad(): BusyLoad | null;
  tools: Toolbox;
  /** Whether a tool's result is put into words by the classifier model, or its own summary is the answer. */
  wordsResults: boolean;
  /** Answers a question about documents from what the tool has found; null: that is worded like the rest. */
  answerFromDocuments: AnswerFromDocuments | null;
  /** IANA name. */
  timeZone: string;
  /** What was said before, cut to what is right for this purpose. */
  history(
    call: Pick<EffectCall, 'conversation' | 'jobId'>,
    purpose: 'classify' | 'answer',
  ): Promise<Turn[]>;
  clock: Clock;
  log: Pick<Log, 'warn'>;
}

/** Room for every operation's parameters; a longer classification is a model that rambles. */
const classifyTokensMax = 512;
const wordTokensMax = 1_024;
/** Of a file that came with the message: what a small model's context holds beside the rest. The whole is a document. */
const attachmentCharsMax = 6_000;
/** Minutes of speech; the backend bounds the characters as well. */
const answerTokensMax = 4_096;

const ok = (output: unknown): EffectResult => ({ ok: true, output });
const fail = (failure: EffectFailure): EffectResult => ({ ok: false, failure });

export function createEffects(options: AssistantOptions): Effects {
  const { language, tools } = options;
  const heartbeat = (locale: Locale): string => textsOf(locale).thinking;
  const checking = (locale: Locale): string => textsOf(locale).usingTools;

  return {
    admit: {
      takesTurn: true,
      run({ input }) {
        const { message } = input as { message: string };
        const now = language.now(options.clock.now());
        return ok({ now, decision: language.route(message, now) });
      },
    },

    classify: {
      heartbeat: (locale) => textsOf(locale).classifying,
      run: (call) => classify(call, options),
    },

    runTools: {
      heartbeat: checking,
      async run(call) {
        const { calls, now } = call.input as { calls: ToolCall[]; now: string };
        return ok(await tools.run(calls, toolContext(call, now, options)));
      },
    },

    word: {
      heartbeat: checking,
      run: (call) => word(call, options),
    },

    revise: {
      async run(call) {
        const { draft, changes, now } = call.input as {
          draft: Draft;
          changes: Record<string, unknown>;
          now: string;
        };
        return ok(await tools.revise(draft, changes, toolContext(call, now, options)));
      },
    },

    execute: {
      writes: true,
      heartbeat: checking,
      async run(call) {
        const { draft } = call.input as { draft: Draft };
        return ok(await tools.execute(draft, toolContext(call, call.context.now, options)));
      },
    },

    reason: { heartbeat, run: (call) => answer(call, 'reason', options) },
    answer: { heartbeat, run: (call) => answer(call, 'answer', options) },
  };
}

async function word(call: EffectCall, options: AssistantOptions): Promise<EffectResult> {
  const input = call.input as { message: string; now: string; results: ToolResult[] };
  if (!options.wordsResults || isStatus(input.results)) {
    const text = input.results.map((result) => result.summary).join('\n\n');
    return ok({ text, backend: null });
  }
  const answered = await options.answerFromDocuments?.(call, input);
  if (answered) return answered;
  const request = options.language.word({ ...input, locale: call.locale });
  return resultOf(
    await stream(
      call,
      options.classifier,
      'word',
      { ...request, maxTokens: wordTokensMax },
      options,
    ),
  );
}

/** How busy a model is must not be worded by that model: whoever asks would stand in its line. */
const isStatus = (results: ToolResult[]): boolean => results.every(({ tool }) => tool === 'system');

/** What a model is asked, as long as it takes it so. */
interface Prompt {
  input: PromptInput;
  /** The same without what was said before; null where nothing was. */
  alone: PromptInput | null;
}

async function promptOf(
  call: EffectCall,
  purpose: 'classify' | 'answer',
  options: AssistantOptions,
): Promise<Prompt> {
  const { message, now } = call.input as { message: string; now: string };
  const said = await options.history(call, purpose);
  const attached = attachedTurns(call.context.attachment);
  const input = { message, now, locale: call.locale, history: [...said, ...attached] };
  return { input, alone: said.length === 0 ? null : { ...input, history: attached } };
}

function attachedTurns(attachment: EffectCall['context']['attachment']): Turn[] {
  if (attachment === undefined) return [];
  const text = Array.from(attachment.text).slice(0, attachmentCharsMax).join('');
  return [{ role: 'user', content: `[${attachment.name}]\n${text}` }];
}

/** Refusals that a shorter prompt would meet as well: the key, the address, the name of the model. */
const refusedAnyway: ReadonlySet<number | null> = new Set([401, 403, 404, 405]);

/** Some servers accept the request and refuse it within the stream, before the first word. */
const mayBeTooLong = ({ errorReason, status, partialText }: ModelFailure): boolean =>
  errorReason === 'http_4xx'
    ? !refusedAnyway.has(status)
    : errorReason === 'upstream_stream_error' && partialText === '';

/**
 * Asks; where the prompt is refused, once more without what was said before. It may not fit this model, and nothing
 * would ever push it out: what has failed is no part of the history. The prompt stays without it.
 */
async function withinContext(
  call: EffectCall,
  prompt: Prompt,
  { log }: AssistantOptions,
  ask: (input: PromptInput) => Promise<ModelOutcome>,
): Promise<ModelOutcome> {
  const outcome = await ask(prompt.input);
  if (outcome.ok || prompt.alone === null || !mayBeTooLong(outcome)) return outcome;
  const { backend, status, errorReason } = outcome;
  log.warn(
    { ...logFieldsOf(call.jobId, call.traceparent), backend, status, error_reason: errorReason },
    'asks again without the history',
  );
  prompt.input = prompt.alone;
  prompt.alone = null;
  return ask(prompt.input);
}

async function classify(call: EffectCall, options: AssistantOptions): Promise<EffectResult> {
  const { language, classifier } = options;
  const prompt = await promptOf(call, 'classify', options);
  let unreadable: string | null = null;
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const raw = unreadable;
    const outcome = await withinContext(call, prompt, options, (input) => {
      const request = raw === null ? language.classify(input) : language.reask(input, raw);
      return classifier.run(
        { ...request, maxTokens: classifyTokensMax, temperature: 0, thinking: false },
        runOptions(call, 'classify'),
      );
    });
    if (!outcome.ok) return fail(backendFailure(outcome));
    const decision = language.readDecision(outcome.text, prompt.input);
    if (decision !== null) {
      const reasonerLoad = options.reasonerLoad() ?? undefined;
      return ok({ decision, backend: classifier.id, reasonerLoad });
    }
    unreadable = outcome.text;
  }
  return fail({
    code: 'GH_BACKEND_UNREADABLE',
    message: 'the classification could not be read, twice',
  });
}

async function answer(
  call: EffectCall,
  kind: 'reason' | 'answer',
  options: AssistantOptions,
): Promise<EffectResult> {
  const backend = kind === 'reason' ? options.reasoner : options.classifier;
  const prompt = await promptOf(call, 'answer', options);
  const outcome = await withinContext(call, prompt, options, (input) => {
    const request = options.language[kind](input);
    return stream(call, backend, kind, { ...request, maxTokens: answerTokensMax }, options);
  });
  return resultOf(outcome);
}

/** Asks for an answer in words and reports it while it is written. One that is no words is a failure. */
async function stream(
  call: EffectCall,
  backend: Backend,
  kind: RequestKind,
  request: ModelRequest,
  { language }: AssistantOptions,
): Promise<ModelOutcome> {
  let text = '';
  let shown = '';
  const show = (next: string): void => {
    if (next === shown) return;
    if (next.startsWith(shown)) call.report.text(next.slice(shown.length), false);
    else call.report.text(next, true);
    shown = next;
  };
  const outcome = await backend.run(request, {
    ...runOptions(call, kind),
    onText(piece, replace) {
      text = replace ? piece : text + piece;
      if (replace) show('');
      show(text.slice(0, language.plainAnswerEnd(text, shown.length)));
    },
  });
  if (!outcome.ok) return outcome;
  const plain = language.plainAnswer(outcome.text);
  show(plain ?? '');
  if (plain !== null) return { ...outcome, text: plain };
  const { backend: id, timings } = outcome;
  const message = 'JSON or a tool call in place of an answer';
  return {
    ok: false,
    backend: id,
    errorReason: 'empty_answer',
    message,
    status: null,
    partialText: '',
    retryAfterMs: null,
    timings,
  };
}

const resultOf = (outcome: ModelOutcome): EffectResult =>
  outcome.ok ? ok({ text: outcome.text, backend: outcome.backend }) : fail(backendFailure(outcome));

const runOptions = (call: EffectCall, kind: RequestKind) => ({
  kind,
  priority: 'foreground' as const,
  user: call.userId,
  jobId: call.jobId,
  traceparent: call.traceparent,
  signal: call.signal,
  onQueued: call.report.queued,
  onGranted: call.report.granted,
});

const toolContext = (
  call: EffectCall,
  now: string,
  { timeZone }: AssistantOptions,
): ToolContext => ({
  timeZone,
  userId: call.userId,
  locale: call.locale,
  now,
  signal: call.signal,
  key: call.key,
  jobId: call.jobId,
  traceparent: call.traceparent,
});

const backendFailure = (failure: ModelFailure): EffectFailure => ({
  code: failure.errorReason === 'http_4xx' ? 'GH_BACKEND_REFUSED' : 'GH_BACKEND_UNAVAILABLE',
  message: `${failure.backend}: ${failure.message}`,
  errorReason: failure.errorReason,
  detail: shownCause(failure.backend, failure.message),
});
