/**
 * The data changes of the ask machine at each step. Pure: context and result in, changed fields out.
 *
 * A1 Every tool call in the conversation is answered by exactly one tool message, in the order of the calls, before the
 *    next model call.
 * A2 No more look-ups are planned than the limit allows; calls beyond it get the error `limit`.
 * A3 A repeated look-up is not run again: the model gets a reference to the earlier result.
 * A4 Each source is listed once, in the order of its first appearance: source numbers never change.
 */
import type {
  AskCall,
  AskContext,
  AskFailure,
  AskToolError,
  AskInput,
  AskLookup,
  AskMessage,
  AskShortfall,
  AskSource,
  AskWritten,
  FoundSource,
  LookupResults,
  LookupResult,
  ModelCallResult,
  PlannedLookup,
} from './ask-types.ts';

type Change = Partial<AskContext>;

/** Name of the search tool in the conversation. */
export const searchTool = 'search';

/** One repeated look-up is a slip of the model; two are a loop. */
const repeatsMax = 2;

/** Nine letters and digits: the id format that the strictest chat templates require. */
export const syntheticCallId = 'gatehouse';

export function initialContext({ found, ...input }: AskInput): AskContext {
  const context: AskContext = {
    ...input,
    rounds: 0,
    modelCalls: 0,
    lookups: 0,
    repeats: 0,
    charsLeft: input.limits.totalCharsMax,
    open: [],
    replies: {},
    plan: [],
    memo: {},
    sources: [],
    withTools: true,
    isClosing: false,
    text: '',
    shown: '',
    isBrokenOff: false,
    shortfalls: [],
    failure: null,
  };
  if (found === null) return context;
  const lookup: AskLookup = { kind: 'search', query: found.query, limit: found.sources.length };
  const asked = { ...context, ...planned(context, [syntheticSearchCall(lookup)]), rounds: 1 };
  const { content, sources, query } = found;
  const result: LookupResult = { callId: syntheticCallId, ok: true, content, sources, query };
  const { at, finalMs } = input;
  return { ...asked, ...applyLookupResults(asked, { at, finalMs, results: [result] }) };
}

const syntheticSearchCall = (lookup: Extract<AskLookup, { kind: 'search' }>): AskCall => ({
  id: syntheticCallId,
  name: searchTool,
  arguments: JSON.stringify({ query: lookup.query }),
  wants: lookup,
});

/** Whether the next model call must be the final call: a limit, a loop or the time forces it. */
export function mustClose(context: AskContext): boolean {
  const { limits, rounds, modelCalls, lookups, repeats, at, deadlineAt, finalMs } = context;
  return (
    context.isClosing ||
    rounds >= limits.rounds ||
    modelCalls >= limits.modelCalls - 1 ||
    lookups >= limits.lookups ||
    repeats >= repeatsMax ||
    deadlineAt - at < finalMs
  );
}

/** The final call would have no sources: a search for the question is made first. */
export const owesSearch = (context: AskContext): boolean =>
  mustClose(context) && context.lookups === 0 && context.limits.lookups > 0;

export const planOwnSearch = (context: AskContext): Change =>
  planned(context, [syntheticSearchCall({ kind: 'search', query: context.query, limit: 5 })]);

/** Applies the tool calls of a model message: plans look-ups, and answers at once what needs none. */
export function applyToolCalls(
  context: AskContext,
  modelResult: Extract<ModelCallResult, { ok: true }>,
): Change {
  const change = planned(context, modelResult.calls, modelResult.text);
  const served = { ...context, ...change, ...timeOf(modelResult), rounds: context.rounds + 1 };
  if (served.plan.length > 0) return served;
  // Only errors and notes: nothing to wait for.
  return { ...served, ...applyLookupResults(served, { ...timeOf(modelResult), results: [] }) };
}

function planned(context: AskContext, calls: readonly AskCall[], assistantText = ''): Change {
  const { limits } = context;
  const memo = { ...context.memo };
  const replies: Record<string, string> = {};
  const plan: AskContext['plan'] = [];
  let { repeats, shortfalls } = context;
  for (const { id, wants } of calls) {
    const lookup = 'kind' in wants ? wants : null;
    const key = lookup === null ? '' : keyOf(lookup);
    const before = memo[key];
    if ('error' in wants) replies[id] = errorContent(wants);
    else if (before !== undefined) {
      repeats += 1;
      replies[id] = JSON.stringify({
        note: 'already looked up: its result is above; answer now',
        same_as: before,
      });
    } else if (context.lookups + plan.length >= limits.lookups) {
      shortfalls = withShortfall(shortfalls, 'limit');
      const detail = 'no more look-ups are allowed; answer from what was found';
      replies[id] = errorContent({ error: 'limit', detail });
    } else {
      memo[key] = id;
      plan.push({ callId: id, lookup: wants });
    }
  }
  const messages = context.withTools
    ? [...context.messages, messageOf(calls, assistantText)]
    : context.messages;
  return { messages, open: calls.map(({ id }) => id), plan, replies, memo, repeats, shortfalls };
}

const messageOf = (calls: readonly AskCall[], content: string): AskMessage => ({
  role: 'assistant',
  content,
  tool_calls: calls.map(({ id, name, arguments: text }) => ({
    id,
    type: 'function',
    function: { name, arguments: text },
  })),
});

function keyOf(lookup: AskLookup): string {
  switch (lookup.kind) {
    case 'read':
      return `read ${lookup.id} ${lookup.from ?? ''}`;
    case 'external':
      return `external ${lookup.name} ${JSON.stringify(lookup.params)}`;
    case 'search':
      return `search ${lookup.query.trim().toLowerCase()}`;
  }
}

const errorContent = (toolError: AskToolError): string => JSON.stringify(toolError);

/** Answers all calls of the round: with the look-up results, or with the replies that needed no look-up. */
export function applyLookupResults(context: AskContext, done: LookupResults): Change {
  const results = new Map(done.results.map((result) => [result.callId, result]));
  let { charsLeft } = context;
  const sources = [...context.sources];
  // A read of an unknown id found nothing and costs no look-up.
  const counts = ({ callId, lookup }: PlannedLookup): boolean =>
    lookup.kind !== 'read' || results.get(callId)?.ok === true;
  const memo = { ...context.memo };
  const texts = context.open.map((callId): [string, string] => {
    const reply = context.replies[callId];
    if (reply !== undefined) return [callId, reply];
    const result = results.get(callId);
    if (result === undefined || !result.ok) {
      const detail = result?.detail ?? 'no result';
      // A failed look-up may be tried again: only results are remembered.
      for (const [key, id] of Object.entries(memo)) if (id === callId) delete memo[key];
      return [callId, errorContent({ error: 'tool_failed', detail })];
    }
    addSources(sources, result.sources, context.rounds, result.query);
    const content = result.content.slice(0, Math.min(context.limits.resultCharsMax, charsLeft));
    charsLeft -= content.length;
    return [callId, content];
  });
  return {
    ...timeOf(done),
    messages: context.withTools
      ? [...context.messages, ...texts.map(([id, content]) => toolMessage(id, content))]
      : withData(
          context.messages,
          texts.map(([, content]) => content),
        ),
    lookups: context.lookups + context.plan.filter(counts).length,
    open: [],
    replies: {},
    plan: [],
    memo,
    sources,
    charsLeft,
  };
}

const toolMessage = (id: string, content: string): AskMessage => ({
  role: 'tool',
  content,
  tool_call_id: id,
});

function addSources(
  sources: AskSource[],
  found: readonly FoundSource[],
  round: number,
  query: string,
): void {
  for (const { id, title, snippet } of found) {
    if (sources.some((source) => source.id === id)) continue;
    sources.push({ id, title, snippet, round, query });
  }
}

/** For a server without tool support: the results are appended to the question. */
function withData(messages: readonly AskMessage[], texts: readonly string[]): AskMessage[] {
  const data = texts.map((text) => `<data>\n${text}\n</data>`).join('\n');
  return appendUserText(messages, data);
}

/** Appends to the last message if it is the user's: many chat templates require alternating roles. */
function appendUserText(messages: readonly AskMessage[], words: string): AskMessage[] {
  const last = messages.at(-1);
  if (last?.role !== 'user') return [...messages, { role: 'user', content: words }];
  return [...messages.slice(0, -1), { role: 'user', content: `${last.content}\n\n${words}` }];
}

/**
 * The conversation of the final call: the unchanged conversation, then the instruction, so that the server's prompt
 * cache stays valid.
 */
export const closingMessages = ({ messages, closing }: AskContext): AskMessage[] =>
  appendUserText(messages, closing);

/** Characters per planned result. */
export const charsPerResult = ({ charsLeft, limits, plan }: AskContext): number =>
  Math.min(limits.resultCharsMax, Math.floor(charsLeft / Math.max(1, plan.length)));

/** The model answered without a look-up. */
export const keepText = (
  context: AskContext,
  modelResult: Extract<ModelCallResult, { ok: true }>,
): Change => ({
  ...timeOf(modelResult),
  text: modelResult.text,
  shortfalls: modelResult.isCut ? withShortfall(context.shortfalls, 'cut') : context.shortfalls,
});

/** The model wrote nothing usable: the next call is the final call. */
export const giveUp = (context: AskContext, modelResult: ModelCallResult): Change => ({
  ...timeOf(modelResult),
  isClosing: true,
  withTools: context.withTools && (modelResult.ok || modelResult.kind !== 'refuses-tools'),
});

/** Stores the result of the final call. */
export function keepAnswer(context: AskContext, modelResult: ModelCallResult): Change {
  const text = modelResult.text.trim() === '' ? '' : modelResult.text;
  const isLate = !modelResult.ok && modelResult.kind === 'late';
  const isCut = modelResult.ok ? modelResult.isCut : text !== '';
  let { shortfalls } = context;
  if (isLate) shortfalls = withShortfall(shortfalls, 'deadline');
  else if (text === '') shortfalls = withShortfall(shortfalls, 'empty');
  else if (isCut) shortfalls = withShortfall(shortfalls, 'cut');
  return { ...timeOf(modelResult), text, shortfalls };
}

/** The time for look-ups is over: the next call is the final call. */
export const runLate = (context: AskContext): Change => ({
  isClosing: true,
  at: Math.max(context.at, context.deadlineAt - context.finalMs),
  shortfalls: withShortfall(context.shortfalls, 'deadline'),
});

export const keepWritten = ({ shown }: AskContext, { content, replaces }: AskWritten): Change => ({
  shown: replaces ? content : shown + content,
});

/** The deadline has passed: the text that the user already sees is the answer, even if it is incomplete. */
export const runOut = (context: AskContext): Change => ({
  at: context.deadlineAt,
  text: context.shown.trim() === '' ? '' : context.shown,
  isBrokenOff: context.shown.trim() !== '',
  shortfalls: withShortfall(context.shortfalls, 'deadline'),
});

/** Failure reported to the caller when the deadline passed without sources or text. */
export const outOfTime: AskFailure = {
  backend: '',
  errorReason: 'deadline',
  message: 'the question took longer than its limit',
  status: null,
  retryAfterMs: null,
};

const withShortfall = (
  shortfalls: readonly AskShortfall[],
  shortfall: AskShortfall,
): AskShortfall[] =>
  shortfalls.includes(shortfall) ? [...shortfalls] : [...shortfalls, shortfall];

const timeOf = ({ at, finalMs }: { at: number; finalMs: number }) => ({ at, finalMs });
