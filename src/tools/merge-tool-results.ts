/** Merges the answers of several calls into the report that the job stores. */
import type { ToolCall } from '#machines/decision';
import type { Draft, ToolResult, ToolsReport } from '#machines/job-types';
import { truncateJson } from './truncate-json.ts';
import { truncate, oneLine } from './sanitize-text.ts';
import { toolError } from './tool-error.ts';
import { toolTextsOf } from './tool-texts.ts';
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

/** The draft, with the answers of the other calls before its summary and the errors after it. */
function mergeSummaries(draft: Draft | null, results: readonly ToolResult[]): Draft | null {
  if (draft === null) return null;
  const answers = results.filter((result) => result.ok && result.summary !== draft.summary);
  const refusals = [
    ...new Set(results.filter((result) => !result.ok).map((result) => result.summary)),
  ];
  const summary = [...answers.map((result) => result.summary), draft.summary, ...refusals];
  return { ...draft, summary: truncate(summary.join('\n\n'), summaryCharsMax) };
}

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
    summary: truncate(answer.summary, summaryCharsMax),
    error: answer.ok ? null : { code: answer.code, message: truncate(answer.message, 300) },
  };
}
