/** Merges the answers of several calls into the report that the job stores. */
import type { ToolCall } from '#machines/decision';
import type { Draft, ToolResult, ToolsReport } from '#machines/job-types';
import { truncate, oneLine } from './sanitize-text.ts';
import { toolError, toolTextsOf } from './tool-texts.ts';
import type { Proposal, ToolAnswer, ToolError } from './tool.ts';
import type { ToolContext } from '#shared/tool-context';

/** Calls in one report. A model in a loop requests dozens; a user's question needs two or three. */
export const callsMax = 6;

/** Characters of a summary: four posts of a chat. The tools shorten longer lists themselves. */
const summaryCharsMax = 6000;

export type CallAnswer = ToolError | (ToolAnswer & { ok: true; draft?: Draft });
export type AnsweredCall = CallAnswer & { call: ToolCall };

/** Results in the order of the calls; the first draft is kept, further drafts become GH_TOOL_ONE_DRAFT errors. */
export function mergeResults(
  answers: readonly AnsweredCall[],
  refused: readonly ToolCall[],
  context: ToolContext,
): ToolsReport {
  const texts = toolTextsOf(context.locale);
  let draft: Draft | null = null;
  const results = answers.map((answer) => {
    if (!answer.ok || answer.draft === undefined) return toToolResult(answer.call, answer);
    if (draft === null) {
      draft = answer.draft;
      return toToolResult(answer.call, answer);
    }
    const title = answer.draft.params['title'];
    const name = typeof title === 'string' ? oneLine(title, 80) : answer.draft.operation;
    const second = toolError('GH_TOOL_ONE_DRAFT', 'a second draft', texts.oneDraft(name));
    return toToolResult(answer.call, second);
  });
  for (const call of refused) {
    const many = toolError('GH_TOOL_INPUT', `over ${callsMax} calls`, texts.tooMany(callsMax));
    results.push(toToolResult(call, many));
  }
  return { results, draft: mergeSummaries(draft, results) };
}

/**
 * The draft, with the answers of the other calls before its summary and the errors after it. What is too long is cut
 * from the answers and the errors: the draft is confirmed as it is shown, so it is shown whole.
 */
function mergeSummaries(draft: Draft | null, results: readonly ToolResult[]): Draft | null {
  if (draft === null) return null;
  const answers = results.filter((result) => result.ok && result.summary !== draft.summary);
  const refusals = [
    ...new Set(results.filter((result) => !result.ok).map((result) => result.summary)),
  ];
  const room = Math.max(0, summaryCharsMax - draft.summary.length);
  const after = cutTo(refusals.join('\n\n'), Math.floor(room / 2));
  const before = cutTo(
    answers.map((result) => result.summary).join('\n\n'),
    room - after.length - 4,
  );
  const parts = [before, draft.summary, after].filter((part) => part !== '');
  return { ...draft, summary: parts.join('\n\n') };
}

/** Nothing if there is no room even for an ellipsis. */
const cutTo = (text: string, charsMax: number): string =>
  charsMax < 2 ? '' : truncate(text, charsMax);

/** Converts a proposal to the draft that waits for the owner's confirmation. */
export const toDraft = (
  target: { tool: string; operation: string },
  proposal: Extract<Proposal, { ok: true }>,
): Draft => ({
  tool: target.tool,
  operation: target.operation,
  params: proposal.params,
  summary: truncate(proposal.summary, summaryCharsMax),
});

/** Converts an answer to the result that the job stores, with bounded size. */
export function toToolResult(
  call: { tool: string; operation: string },
  answer: ToolAnswer,
): ToolResult {
  return {
    ok: answer.ok,
    tool: oneLine(call.tool, 64),
    operation: oneLine(call.operation, 64),
    data: answer.ok ? truncateJson(answer.data) : null,
    ...(answer.ok && answer.offers !== undefined ? { offers: answer.offers } : {}),
    summary: truncate(answer.summary, summaryCharsMax),
    error: answer.ok ? null : { code: answer.code, message: truncate(answer.message, 300) },
  };
}

/** Characters of JSON that a model summarizes. More displaces the history and costs seconds; less cuts a full day. */
const dataCharsMax = 2000;

/** Texts are shortened down to this length before whole entries are dropped. */
const textCharsFloor = 60;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** `data` itself if its JSON fits, else a smaller copy; `omitted` is the number of entries left out. */
export function truncateJson(data: unknown, charsMax: number = dataCharsMax): unknown {
  let json = JSON.stringify(data) ?? 'null';
  if (json.length <= charsMax) return data;
  for (let textMax = 320; textMax >= textCharsFloor; textMax = Math.floor(textMax / 2)) {
    const shorter = shortenStrings(JSON.parse(json) as Json, textMax);
    json = JSON.stringify(shorter);
    if (json.length <= charsMax) return shorter;
  }
  return dropTrailing(JSON.parse(json) as Json, charsMax);
}

function shortenStrings(value: Json, textMax: number): Json {
  if (typeof value === 'string') return truncate(value, textMax);
  if (Array.isArray(value)) return value.map((entry) => shortenStrings(entry, textMax));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, shortenStrings(entry, textMax)]),
  );
}

/** Drops entries from the end of the longest list until it fits; lists have the most important entries first. */
function dropTrailing(value: Json, charsMax: number): Json {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return { omitted: Array.isArray(value) ? value.length : 1 };
  }
  const fields = { ...value };
  let omitted = 0;
  const size = (): number => JSON.stringify({ ...fields, omitted }).length;
  while (size() > charsMax) {
    const longest = Object.entries(fields)
      .filter((field): field is [string, Json[]] => Array.isArray(field[1]) && field[1].length > 0)
      .sort((a, b) => JSON.stringify(b[1]).length - JSON.stringify(a[1]).length)[0];
    if (longest === undefined) return { omitted: omitted + Object.keys(fields).length };
    fields[longest[0]] = longest[1].slice(0, -1);
    omitted += 1;
  }
  return { ...fields, omitted };
}
