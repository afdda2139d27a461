/** Puts the answers of several calls into the one report that a job keeps. */
import type { ToolCall } from '../../machines/decision.ts';
import type { Draft, ToolResult, ToolsReport } from '../../machines/job-types.ts';
import { boundedData } from './bounded-data.ts';
import { cut, oneLine } from './plain-text.ts';
import { fault } from './tool-fault.ts';
import { toolTextsOf } from './tool-texts.ts';
import type { Proposal, ToolAnswer, ToolContext, ToolFault } from './tool.ts';

/** Calls in one report. A model that loops asks for dozens; a person's question needs two or three. */
export const callsMax = 6;

/** Characters of a summary: four posts of a chat. Longer lists are cut by the tools themselves. */
const summaryCharsMax = 6000;

export type CallAnswer = ToolFault | (ToolAnswer & { ok: true; draft?: Draft });
export type Answered = CallAnswer & { call: ToolCall };

/** Results in the order of the calls; the first draft is kept, a second is refused in words. */
export function reportOf(
  answers: readonly Answered[],
  refused: readonly ToolCall[],
  context: ToolContext,
): ToolsReport {
  const texts = toolTextsOf(context.locale);
  let draft: Draft | null = null;
  const results = answers.map((answer) => {
    if (!answer.ok || answer.draft === undefined) return resultOf(answer.call, answer);
    if (draft === null) {
      draft = answer.draft;
      return resultOf(answer.call, answer);
    }
    const title = answer.draft.params['title'];
    const name = typeof title === 'string' ? oneLine(title, 80) : answer.draft.operation;
    const second = fault('GH_TOOL_ONE_DRAFT', 'a second draft', texts.oneDraft(name));
    return resultOf(answer.call, second);
  });
  for (const call of refused) {
    const many = fault('GH_TOOL_INPUT', `over ${callsMax} calls`, texts.tooMany(callsMax));
    results.push(resultOf(call, many));
  }
  return { results, draft: withOthers(draft, results) };
}

/** The draft, with the answers of the other calls in front of and the refusals behind it. */
function withOthers(draft: Draft | null, results: readonly ToolResult[]): Draft | null {
  if (draft === null) return null;
  const answers = results.filter((result) => result.ok && result.summary !== draft.summary);
  const refusals = [
    ...new Set(results.filter((result) => !result.ok).map((result) => result.summary)),
  ];
  const summary = [...answers.map((result) => result.summary), draft.summary, ...refusals];
  return { ...draft, summary: cut(summary.join('\n\n'), summaryCharsMax) };
}

/** A proposal as the draft that waits for its owner. */
export const draftOf = (
  target: { tool: string; operation: string },
  proposal: Extract<Proposal, { ok: true }>,
): Draft => ({
  tool: target.tool,
  operation: target.operation,
  params: proposal.params,
  summary: cut(proposal.summary, summaryCharsMax),
});

/** An answer as the job keeps it: bounded. */
export function resultOf(
  call: { tool: string; operation: string },
  answer: ToolAnswer,
): ToolResult {
  return {
    ok: answer.ok,
    tool: oneLine(call.tool, 64),
    operation: oneLine(call.operation, 64),
    data: answer.ok ? boundedData(answer.data) : null,
    summary: cut(answer.summary, summaryCharsMax),
    error: answer.ok ? null : { code: answer.code, message: cut(answer.message, 300) },
  };
}
