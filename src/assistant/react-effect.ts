/**
 * A chat's question about documents, answered by the loop instead of worded: what the tool has found is its
 * first round. Where the loop brings no answer, the result is worded as ever.
 */
import type { ToolResult } from '../../machines/job-types.ts';
import type { EffectCall, EffectResult } from '../journal/effects.ts';
import type { React, ReactQuestion } from './react.ts';

/** Null: the result is to be worded. */
export type AnswerFromDocuments = (
  call: EffectCall,
  asked: { message: string; results: ToolResult[] },
) => Promise<EffectResult | null>;

/**
 * Of the time that the job gives this step. The rest is for the wording, should it come to that; the job itself
 * answers with the tool's own summary after all of it.
 */
const share = 0.7;

/** `stepTimeoutMs`: what the job gives the step that words a result. */
export function createAnswerFromDocuments(
  react: React,
  stepTimeoutMs: number,
): AnswerFromDocuments {
  return async (call, { message, results }) => {
    const found = foundIn(results);
    if (found === null) return null;
    const outcome = await react(
      {
        query: message,
        userId: call.userId,
        backend: null,
        debug: false,
        timeLimitMs: stepTimeoutMs * share,
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
    // There is time left for the wording: a whole answer is better than half a sentence.
    if (outcome.ok && !outcome.isWordless && !outcome.isBrokenOff) {
      return { ok: true, output: { text: outcome.answer, backend: outcome.backend } };
    }
    // What had been written is no part of what is worded now.
    call.report.text('', true);
    return null;
  };
}

/** The documents, where the one thing that was done is a search that found some. */
function foundIn(
  results: readonly ToolResult[],
): Exclude<ReactQuestion['found'], undefined> | null {
  const [result] = results;
  const isSearch = result?.tool === 'document' && result.operation === 'search';
  if (results.length !== 1 || !isSearch || !result.ok) return null;
  const { query, exact, documents } = result.data as {
    query?: string;
    exact?: boolean;
    documents?: { id: string; title: string; snippet: string }[];
  };
  if (query === undefined || documents === undefined || documents.length === 0) return null;
  return { query, hits: documents.slice(0, hitsMax), isExact: exact !== false };
}

/** As many as a search of the loop itself gives. */
const hitsMax = 5;
