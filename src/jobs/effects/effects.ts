/**
 * Executes the job machine's effects with rules, models and tools. Every effect returns its outcome as data; a failure
 * names its cause, and the machine decides what follows.
 */
import type {
  Backend,
  ModelFailure,
  ModelOutcome,
  ModelRequest,
  RequestKind,
} from '#shared/model/model';
import { logFieldsOf } from '#shared/wire/trace';
import type { Clock } from '#shared/clock';
import type { Log } from '#shared/log';
import { messageOf } from '#shared/errors';
import { redactCause } from '#shared/text/redact-cause';
import type { Decision, ToolCall } from '#machines/decision';
import type { PriorityClass } from '#machines/gate-queue';
import type { BusyLoad, Draft, EffectFailure, ToolResult, ToolsReport } from '#machines/job-types';
import { promptOf } from '#machines/job-setup';
import { textsOf, type Locale } from '#machines/texts';
import { isBackground } from '../runtime/queue-limits.ts';
import type { EffectCall, EffectResult, Effects } from '../runtime/effect-port.ts';
import type { ConversationMessage } from '../store/job-queries.ts';
import type { AskedMessage } from '#language/schedules/answered-question';
import type { AnswerFromDocuments } from './answer-from-documents.ts';
import type { Speculation } from './speculation.ts';
import type { ToolContext } from '#shared/tool-context';
import type { ModelTool } from '#language/classification/operation-port';
import type { RememberedFact } from '#language/prompts/memory-text';
import type { LanguagePort, PromptInput } from './language-port.ts';

/** The tools that the assistant needs. */
export interface Toolbox {
  run(calls: ToolCall[], context: ToolContext): Promise<ToolsReport>;
  revise(draft: Draft, changes: Record<string, unknown>, context: ToolContext): Promise<Draft>;
  /** The only operation that writes. */
  execute(draft: Draft, context: ToolContext): Promise<ToolResult>;
  /** Whether calls that the rules have read are meant at this place; else the message is ordinary chat. */
  isMeant(
    calls: readonly ToolCall[],
    place: { userId: string; channel: string; thread: string | null; now: string },
  ): boolean | Promise<boolean>;
}

export interface AssistantOptions {
  language: LanguagePort;
  classifier: Backend;
  /** Sends the question to the reasoner while the message is classified. */
  speculation: Speculation;
  /** Null unless the load is worth a notice to the user. */
  reasonerLoad(): BusyLoad | null;
  tools: Toolbox;
  /** The tools of MCP servers that fit a message of this user. Default: none. */
  externalTools?: ((message: string, userId: string) => readonly ModelTool[]) | undefined;
  /** What the person has asked to remember and fits a message. Default: nothing. */
  remembered?:
    | ((userId: string, message: string) => Promise<readonly RememberedFact[]>)
    | undefined;
  /** True: the classifier model summarizes a tool's result; false: the tool's own summary is the answer. */
  summarizesResults: boolean;
  /** Answers a question about documents from the tool's result; null: the result is summarized like any other. */
  answerFromDocuments: AnswerFromDocuments | null;
  /** The last messages of the conversation, if they were answered with a question not long ago, oldest first. */
  asked(call: Pick<EffectCall, 'conversation' | 'jobId'>): Promise<AskedMessage[]>;
  /** IANA name. */
  timeZone: string;
  /** The earlier messages of the conversation, cut to the size for this purpose. */
  history(
    call: Pick<EffectCall, 'conversation' | 'jobId' | 'userId'>,
    purpose: 'classify' | 'answer',
  ): Promise<ConversationMessage[]>;
  clock: Clock;
  log: Pick<Log, 'warn'>;
}

/** Enough for every operation's parameters; a longer classification is runaway output. */
const classifyTokensMax = 512;
const summaryTokensMax = 1_024;
/**
 * Maximum of an attached file in the prompt: what fits into a small model's context beside the rest. The whole file is
 * stored as a document.
 */
const attachmentCharsMax = 6_000;
/** Read aloud, such an answer takes minutes; the backend bounds the characters as well. */
const answerTokensMax = 4_096;

const ok = (output: unknown): EffectResult => ({ ok: true, output });
const fail = (failure: EffectFailure): EffectResult => ({ ok: false, failure });

export function createEffects(options: AssistantOptions): Effects {
  const { tools } = options;
  const heartbeat = (locale: Locale): string => textsOf(locale).thinking;
  const checking = (locale: Locale): string => textsOf(locale).usingTools;

  return {
    admit: {
      isScheduled: true,
      run: (call) => admit(call, options),
    },

    classify: {
      heartbeat: (locale) => textsOf(locale).classifying,
      run: (call) => classifyAndSpeculate(call, options),
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
      run: (call) => summarizeResults(call, options),
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

function admit(call: EffectCall, options: AssistantOptions): EffectResult | Promise<EffectResult> {
  const { scheduled, pressed, channel, thread } = call.context;
  const { language, tools, clock } = options;
  const { message } = call.input as { message: string };
  const now = language.now(clock.now());
  const known = scheduled?.decision ?? (pressed === undefined ? null : decisionOfButton(pressed));
  if (known !== null) return ok({ now, decision: known });
  const place = { userId: call.userId, channel, thread: thread ?? null, now };
  const routed = (): EffectResult | Promise<EffectResult> => {
    const decision = language.route(message, now);
    const isMeant = tools.isMeant(decision?.calls ?? [], place);
    if (typeof isMeant === 'boolean') return ok({ now, decision: isMeant ? decision : null });
    return isMeant.then((isSo) => ok({ now, decision: isSo ? decision : null }));
  };
  if (!language.mayAnswer(message, now)) return routed();
  // A bare time completes what was asked about before it; without a question it is a message as any other.
  return options.asked(call).then((asked) => {
    const decision = language.routeAnswer(message, now, asked);
    return decision === null ? routed() : ok({ now, decision });
  });
}

const decisionOfButton = (pressed: ToolCall): Decision => ({
  by: 'rule',
  action: 'tools',
  calls: [pressed],
  reason: 'button',
});

async function summarizeResults(
  call: EffectCall,
  options: AssistantOptions,
): Promise<EffectResult> {
  const input = call.input as { message: string; now: string; results: ToolResult[] };
  if (call.context.scheduled?.kind === 'digest') {
    return ok({ text: digestText(input), backend: null });
  }
  if (!options.summarizesResults || isStatusOnly(input.results) || isWorded(input.results)) {
    const text = input.results.map((result) => result.summary).join('\n\n');
    return ok({ text, backend: null });
  }
  const answered = await options.answerFromDocuments?.(call, input);
  if (answered) return answered;
  const request = options.language.summarizeResults({ ...input, locale: call.locale });
  return toEffectResult(
    await streamAnswer(
      call,
      options.classifier,
      'word',
      { ...request, maxTokens: summaryTokensMax },
      options,
    ),
  );
}

/** The parts as the tools put them, also the reason of one that failed: no model leaves anything out. */
const digestText = ({ message, results }: { message: string; results: ToolResult[] }): string =>
  [message, ...results.map(({ summary }) => summary)].join('\n\n');

/** A status report is not summarized by the model it is about: the user would wait in that model's queue. */
const isStatusOnly = (results: ToolResult[]): boolean =>
  results.every(({ tool }) => tool === 'system');

/** A result without data has nothing but its sentence, and a model could only change the time in it. */
const isWorded = (results: ToolResult[]): boolean =>
  results.some(({ ok: isOk, data }) => isOk && data === null);

/** The input of a model call; the history is dropped if the model refuses it. */
interface HistoryPrompt {
  input: PromptInput;
  /** The same input without history; null if there is no history. */
  withoutHistory: PromptInput | null;
}

async function buildPrompt(
  call: EffectCall,
  purpose: 'classify' | 'answer',
  options: AssistantOptions,
): Promise<HistoryPrompt> {
  const { message, now } = call.input as { message: string; now: string };
  const pastTurns = await options.history(call, purpose);
  const attachmentTurns = turnsOfAttachment(call.context.attachment);
  const external = purpose === 'classify' ? options.externalTools?.(message, call.userId) : [];
  const input = {
    message,
    now,
    locale: call.locale,
    history: [...pastTurns, ...attachmentTurns],
    externalTools: external ?? [],
    facts: await factsFor(call.userId, message, options),
  };
  return {
    input,
    withoutHistory: pastTurns.length === 0 ? null : { ...input, history: attachmentTurns },
  };
}

/** The answer is not worse than before when the memory cannot be read. */
async function factsFor(
  userId: string,
  message: string,
  { remembered, log }: AssistantOptions,
): Promise<readonly RememberedFact[]> {
  try {
    return (await remembered?.(userId, message)) ?? [];
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'asks without the memory');
    return [];
  }
}

function turnsOfAttachment(attachment: EffectCall['context']['attachment']): ConversationMessage[] {
  if (attachment === undefined) return [];
  const text = Array.from(attachment.text).slice(0, attachmentCharsMax).join('');
  return [{ role: 'user', content: `[${attachment.name}]\n${text}` }];
}

/** Refusals that do not depend on the prompt's length: API key, address, model name. */
const nonRetryableStatuses: ReadonlySet<number | null> = new Set([401, 403, 404, 405]);

/** Some servers accept the request and refuse it within the stream, before the first token. */
const mayExceedContext = ({ errorReason, status, partialText }: ModelFailure): boolean =>
  errorReason === 'http_4xx'
    ? !nonRetryableStatuses.has(status)
    : errorReason === 'upstream_stream_error' && partialText === '';

/**
 * Calls the model; if the prompt is refused, calls it once more without history. The history may exceed the model's
 * context, and it would never shrink: failed messages do not enter it. Later calls with this prompt omit it too.
 */
async function runWithHistoryFallback(
  call: EffectCall,
  prompt: HistoryPrompt,
  { log }: AssistantOptions,
  ask: (input: PromptInput) => Promise<ModelOutcome>,
): Promise<ModelOutcome> {
  const outcome = await ask(prompt.input);
  if (outcome.ok || prompt.withoutHistory === null || !mayExceedContext(outcome)) return outcome;
  const { backend, status, errorReason } = outcome;
  log.warn(
    { ...logFieldsOf(call.jobId, call.traceparent), backend, status, error_reason: errorReason },
    'asks again without the history',
  );
  prompt.input = prompt.withoutHistory;
  prompt.withoutHistory = null;
  return ask(prompt.input);
}

async function classifyAndSpeculate(
  call: EffectCall,
  options: AssistantOptions,
): Promise<EffectResult> {
  const { speculation } = options;
  let isRouted: boolean | null = null;
  try {
    const result = await classify(call, options, () => speculate(call, options));
    if (result.ok) {
      const { decision } = result.output as { decision: Decision };
      isRouted = decision.action === 'route' && call.context.limits.pipelineEnabled;
    }
    return result;
  } finally {
    speculation.decided({ user: call.userId, jobId: call.jobId }, isRouted);
  }
}

/** For people only: the answer to a schedule is not waited for. */
function speculate(call: EffectCall, options: AssistantOptions): void {
  const { userId: user, jobId, traceparent, signal, context } = call;
  if (!context.limits.pipelineEnabled || priorityOf(call) !== 'foreground') return;
  options.speculation.begin({ user, jobId, traceparent, signal }, async () => {
    const input = { message: promptOf(context), now: context.now };
    const prompt = await buildPrompt({ ...call, input }, 'answer', options);
    return answerRequest(options.language.reason(prompt.input));
  });
}

/** @param onAsked called when the first question is on its way to the classifier */
async function classify(
  call: EffectCall,
  options: AssistantOptions,
  onAsked: () => void,
): Promise<EffectResult> {
  const { language, classifier } = options;
  const prompt = await buildPrompt(call, 'classify', options);
  let unreadable: string | null = null;
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const raw = unreadable;
    const asked = runWithHistoryFallback(call, prompt, options, (input) => {
      const request =
        raw === null ? language.classify(input) : language.repairClassification(input, raw);
      return classifier.run(
        { ...request, maxTokens: classifyTokensMax, temperature: 0, thinking: false },
        runOptions(call, 'classify'),
      );
    });
    if (attempt === 1) onAsked();
    const outcome = await asked;
    if (!outcome.ok) return fail(toEffectFailure(outcome));
    const decision = language.parseDecision(outcome.text, prompt.input);
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
  const { speculation, classifier } = options;
  const backend = kind === 'reason' ? speculation : classifier;
  const prompt = await buildPrompt(call, 'answer', options);
  const outcome = await runWithHistoryFallback(call, prompt, options, (input) => {
    const request = options.language[kind](input);
    return streamAnswer(call, backend, kind, answerRequest(request), options);
  });
  return toEffectResult(outcome);
}

const answerRequest = (request: ModelRequest): ModelRequest => ({
  ...request,
  maxTokens: answerTokensMax,
});

/** Requests a text answer and streams it. An answer without displayable text is a failure. */
async function streamAnswer(
  call: EffectCall,
  backend: Pick<Backend, 'run'>,
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
      show(text.slice(0, language.displayablePrefixLength(text, shown.length)));
    },
  });
  if (!outcome.ok) return outcome;
  const plain = language.displayableAnswer(outcome.text);
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

function toEffectResult(outcome: ModelOutcome): EffectResult {
  if (!outcome.ok) return fail(toEffectFailure(outcome));
  const { text, backend, timings } = outcome;
  // The journal shows that the answer was begun in advance.
  const { aheadMs } = timings;
  return ok({ text, backend, ...(aheadMs === undefined ? {} : { aheadMs: Math.round(aheadMs) }) });
}

/** The model calls of a schedule come after those of people, until they have aged (docs/gate.md). */
const priorityOf = ({ context }: EffectCall): PriorityClass =>
  isBackground(context) ? 'background' : 'foreground';

const runOptions = (call: EffectCall, kind: RequestKind) => ({
  kind,
  priority: priorityOf(call),
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
  origin: { channel: call.context.channel, thread: call.context.thread ?? null },
  locale: call.locale,
  now,
  signal: call.signal,
  key: call.key,
  isRepeat: call.isRepeat,
  jobId: call.jobId,
  traceparent: call.traceparent,
});

const toEffectFailure = (failure: ModelFailure): EffectFailure => ({
  code: failure.errorReason === 'http_4xx' ? 'GH_BACKEND_REFUSED' : 'GH_BACKEND_UNAVAILABLE',
  message: `${failure.backend}: ${failure.message}`,
  errorReason: failure.errorReason,
  detail: redactCause(failure.backend, failure.message),
});
