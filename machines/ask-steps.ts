/**
 * What the ask machine does with its data at each step. Pure: context and result in, changed fields out.
 *
 * A1 Every tool call that goes into the conversation is answered by exactly one tool message, in the order of
 *    the calls, before the model is asked again.
 * A2 No more look-ups are planned than the limit has left; calls beyond it are told `limit`.
 * A3 A look-up that has been made is not made again: the call is told where its result stands.
 * A4 Sources stand once each, in the order in which they were first seen: their numbers never change.
 */
import type {
  AskCall,
  AskContext,
  AskFailure,
  AskFault,
  AskInput,
  AskLookup,
  AskMessage,
  AskShortfall,
  AskSource,
  AskWritten,
  FoundSource,
  LookupsDone,
  LookupResult,
  ModelTurn,
  PlannedLookup,
} from './ask-types.ts';

type Change = Partial<AskContext>;

/** The name that a search has in the conversation. */
export const searchTool = 'search';

/** Asking twice for the same is a slip; asking three times is a loop. */
const repeatsMax = 2;

/** Nine letters and digits: the form that the strictest chat templates want of an id. */
export const ownCallId = 'gatehouse';

export function begin({ found, ...input }: AskInput): AskContext {
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
  const asked = { ...context, ...planned(context, [ownCall(lookup)]), rounds: 1 };
  const { content, sources, query } = found;
  const result: LookupResult = { callId: ownCallId, ok: true, content, sources, query };
  const { at, finalMs } = input;
  return { ...asked, ...settle(asked, { at, finalMs, results: [result] }) };
}

const ownCall = (lookup: Extract<AskLookup, { kind: 'search' }>): AskCall => ({
  id: ownCallId,
  name: searchTool,
  arguments: JSON.stringify({ query: lookup.query }),
  wants: lookup,
});

/** One more call of the model: not to be made once the limits, the loop or the time say so. */
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

/** The last call would have nothing to answer from: the question itself is looked for first. */
export const owesSearch = (context: AskContext): boolean =>
  mustClose(context) && context.lookups === 0 && context.limits.lookups > 0;

export const planOwnSearch = (context: AskContext): Change =>
  planned(context, [ownCall({ kind: 'search', query: context.query, limit: 5 })]);

/** The calls of a turn: what is answered at once, and what is to be looked up. */
export function serve(context: AskContext, turn: Extract<ModelTurn, { ok: true }>): Change {
  const change = planned(context, turn.calls, turn.text);
  const served = { ...context, ...change, ...timeOf(turn), rounds: context.rounds + 1 };
  if (served.plan.length > 0) return served;
  // Errors and notes only: nothing to wait for.
  return { ...served, ...settle(served, { ...timeOf(turn), results: [] }) };
}

function planned(context: AskContext, calls: readonly AskCall[], said = ''): Change {
  const { limits } = context;
  const memo = { ...context.memo };
  const replies: Record<string, string> = {};
  const plan: AskContext['plan'] = [];
  let { repeats, shortfalls } = context;
  for (const { id, wants } of calls) {
    const lookup = 'kind' in wants ? wants : null;
    const key = lookup === null ? '' : keyOf(lookup);
    const before = memo[key];
    if ('error' in wants) replies[id] = wordsOf(wants);
    else if (before !== undefined) {
      repeats += 1;
      replies[id] = JSON.stringify({
        note: 'already looked up: its result is above; answer now',
        same_as: before,
      });
    } else if (context.lookups + plan.length >= limits.lookups) {
      shortfalls = withShortfall(shortfalls, 'limit');
      const detail = 'no more look-ups are allowed; answer from what was found';
      replies[id] = wordsOf({ error: 'limit', detail });
    } else {
      memo[key] = id;
      plan.push({ callId: id, lookup: wants });
    }
  }
  const messages = context.withTools
    ? [...context.messages, messageOf(calls, said)]
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

const keyOf = (lookup: AskLookup): string =>
  lookup.kind === 'read'
    ? `read ${lookup.id} ${lookup.from ?? ''}`
    : `search ${lookup.query.trim().toLowerCase()}`;

const wordsOf = (fault: AskFault): string => JSON.stringify(fault);

/** All calls of the round answered: from their results, or at once where they needed none. */
export function settle(context: AskContext, done: LookupsDone): Change {
  const results = new Map(done.results.map((result) => [result.callId, result]));
  let { charsLeft } = context;
  const sources = [...context.sources];
  // An id that no document has found nothing and cost nothing.
  const counts = ({ callId, lookup }: PlannedLookup): boolean =>
    lookup.kind === 'search' || results.get(callId)?.ok === true;
  const memo = { ...context.memo };
  const texts = context.open.map((callId): [string, string] => {
    const reply = context.replies[callId];
    if (reply !== undefined) return [callId, reply];
    const result = results.get(callId);
    if (result === undefined || !result.ok) {
      const detail = result?.detail ?? 'no result';
      // It may be tried again: only a result is worth remembering.
      for (const [key, id] of Object.entries(memo)) if (id === callId) delete memo[key];
      return [callId, wordsOf({ error: 'tool_failed', detail })];
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

/** For a server that takes no tools: the results stand in the question itself. */
function withData(messages: readonly AskMessage[], texts: readonly string[]): AskMessage[] {
  const data = texts.map((text) => `<data>\n${text}\n</data>`).join('\n');
  return withWords(messages, data);
}

/** Behind the last message where that is the user's: many templates want the roles to take turns. */
function withWords(messages: readonly AskMessage[], words: string): AskMessage[] {
  const last = messages.at(-1);
  if (last?.role !== 'user') return [...messages, { role: 'user', content: words }];
  return [...messages.slice(0, -1), { role: 'user', content: `${last.content}\n\n${words}` }];
}

/** The conversation of the last call: what was, then the instruction. What is before stays in the server's cache. */
export const closingMessages = ({ messages, closing }: AskContext): AskMessage[] =>
  withWords(messages, closing);

/** Characters for each result that is planned. */
export const shareOf = ({ charsLeft, limits, plan }: AskContext): number =>
  Math.min(limits.resultCharsMax, Math.floor(charsLeft / Math.max(1, plan.length)));

/** The model answered without looking anything up. */
export const keepText = (context: AskContext, turn: Extract<ModelTurn, { ok: true }>): Change => ({
  ...timeOf(turn),
  text: turn.text,
  shortfalls: turn.isCut ? withShortfall(context.shortfalls, 'cut') : context.shortfalls,
});

/** Nothing of use came: the next call is the last one. */
export const giveUp = (context: AskContext, turn: ModelTurn): Change => ({
  ...timeOf(turn),
  isClosing: true,
  withTools: context.withTools && (turn.ok || turn.kind !== 'refuses-tools'),
});

/** What the last call brought. */
export function keepAnswer(context: AskContext, turn: ModelTurn): Change {
  const text = turn.text.trim() === '' ? '' : turn.text;
  const isLate = !turn.ok && turn.kind === 'late';
  const isCut = turn.ok ? turn.isCut : text !== '';
  let { shortfalls } = context;
  if (isLate) shortfalls = withShortfall(shortfalls, 'deadline');
  else if (text === '') shortfalls = withShortfall(shortfalls, 'empty');
  else if (isCut) shortfalls = withShortfall(shortfalls, 'cut');
  return { ...timeOf(turn), text, shortfalls };
}

/** The time for thinking is over. */
export const runLate = (context: AskContext): Change => ({
  isClosing: true,
  at: Math.max(context.at, context.deadlineAt - context.finalMs),
  shortfalls: withShortfall(context.shortfalls, 'deadline'),
});

export const keepWritten = ({ shown }: AskContext, { content, replaces }: AskWritten): Change => ({
  shown: replaces ? content : shown + content,
});

/** The time for everything is over: what stands before the reader is the answer, as far as it goes. */
export const runOut = (context: AskContext): Change => ({
  at: context.deadlineAt,
  text: context.shown.trim() === '' ? '' : context.shown,
  isBrokenOff: context.shown.trim() !== '',
  shortfalls: withShortfall(context.shortfalls, 'deadline'),
});

/** What the caller is told where time ran out over nothing. */
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
