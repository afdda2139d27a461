/**
 * Answers a chat's question about documents with the ask loop instead of a summary: the tool's search result is the
 * loop's first round. If the loop gives no usable answer, the result is summarized as usual.
 */
import type { FoundSource } from '#machines/ask-types';
import type { ToolResult } from '#machines/job-types';
import type { EffectCall, EffectResult } from '../runtime/effect-port.ts';
import type { AskLoop, AskLoopQuestion } from '#ask/ask-loop';

/** Null: the result has to be summarized. */
export type AnswerFromDocuments = (
  call: EffectCall,
  asked: { message: string; results: ToolResult[] },
) => Promise<EffectResult | null>;

/**
 * Share of the step's time limit for the loop. The rest is for the summary, should it be needed; when the whole limit
 * is over, the job itself answers with the tool's own summary.
 */
const timeShare = 0.7;

/** `stepTimeoutMs`: the job's time limit for the step that summarizes a result. */
export function createAnswerFromDocuments(
  askLoop: AskLoop,
  stepTimeoutMs: number,
): AnswerFromDocuments {
  return async (call, { message, results }) => {
    const found = searchResultOf(results);
    if (found === null) return null;
    const outcome = await askLoop(
      {
        query: message,
        userId: call.userId,
        backend: null,
        debug: false,
        timeLimitMs: stepTimeoutMs * timeShare,
        found,
        origin: { jobId: call.jobId, traceparent: call.traceparent },
      },
      {
        sources: () => undefined,
        round: () => undefined,
        text: call.report.text,
        queued: call.report.queued,
        granted: call.report.granted,
      },
      call.signal,
    );
    // There is still time for the summary: a whole answer is better than half a sentence.
    if (outcome.ok && !outcome.isWordless && !outcome.isBrokenOff) {
      return { ok: true, output: { text: outcome.answer, backend: outcome.backend } };
    }
    // Retracts the loop's text: it is not part of the summary.
    call.report.text('', true);
    return null;
  };
}

/** The documents, if the only tool call was a search that found some. */
function searchResultOf(
  results: readonly ToolResult[],
): Exclude<AskLoopQuestion['found'], undefined> | null {
  const [result] = results;
  const isSearch = result?.tool === 'document' && result.operation === 'search';
  if (results.length !== 1 || !isSearch || !result.ok) return null;
  const { query, exact, documents } = result.data as {
    query?: string;
    exact?: boolean;
    documents?: FoundSource[];
  };
  if (query === undefined || documents === undefined || documents.length === 0) return null;
  return { query, hits: documents.slice(0, hitsMax), isExact: exact !== false };
}

/** As many as a search of the loop itself returns. */
const hitsMax = 5;
