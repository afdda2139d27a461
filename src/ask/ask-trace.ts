/** The steps of an ask as its caller may read them (`debug`), and the part of each step that is always logged. */
import type { LookupCall, LookupResult, ModelCall, ModelCallResult } from '#machines/ask-types';
import type { ModelOutcome } from '#shared/model/model';

export interface TraceEntry {
  step: 'model' | 'look-up';
  /** Numbers and names only: no text of a user, a document or a model. */
  logged: Record<string, unknown>;
  /** The texts: only for the caller. */
  texts: Record<string, unknown>;
}

/** One flat object per step, for JSON. */
export const toTraceJson = ({ step, logged, texts }: TraceEntry): Record<string, unknown> => ({
  step,
  ...logged,
  ...texts,
});

/** A trace needs only the beginning of a model's text. */
const textCharsMax = 2_000;

type TurnSummary = { ok: true; text: string; calls: { name: string }[] } | { ok: false };

/** One model call: its position, its durations, its result. */
export function modelCallEntry(
  { call, round, choice, messages }: ModelCall,
  outcome: ModelOutcome,
  turn: TurnSummary & Pick<ModelCallResult, 'ok'>,
): TraceEntry {
  const { queueMs, firstTokenMs, totalMs } = outcome.timings;
  const usage = outcome.ok ? outcome.usage : null;
  const calls = outcome.ok ? outcome.toolCalls : [];
  return {
    step: 'model',
    logged: {
      call,
      round,
      choice,
      queue_ms: Math.round(queueMs),
      prefill_ms: firstTokenMs === null ? null : Math.round(firstTokenMs),
      decode_ms: firstTokenMs === null ? null : Math.round(totalMs - firstTokenMs),
      total_ms: Math.round(totalMs),
      prompt_tokens: usage?.promptTokens ?? null,
      completion_tokens: usage?.completionTokens ?? null,
      cached_tokens: usage?.cachedTokens ?? null,
      finish: outcome.ok ? outcome.finishReason : null,
      calls: turn.ok ? turn.calls.map(({ name }) => name) : [],
      error: outcome.ok ? null : outcome.errorReason,
    },
    texts: {
      messages: messages.length,
      text: (outcome.ok ? outcome.text : outcome.partialText).slice(0, textCharsMax),
      tool_calls: calls.map(({ id, function: called }) => ({
        id,
        name: called.name,
        arguments: called.arguments.slice(0, textCharsMax),
      })),
      ...(outcome.ok ? {} : { message: outcome.message }),
    },
  };
}

/** The look-ups of one round. */
export function lookupEntry(
  { round, plan }: LookupCall,
  results: readonly LookupResult[],
  ms: number,
): TraceEntry {
  return {
    step: 'look-up',
    logged: {
      round,
      ms: Math.round(ms),
      lookups: plan.map(({ lookup }) => lookup.kind),
      found: results.map((result) => (result.ok ? result.sources.length : null)),
      failed: results.filter((result) => !result.ok).length,
    },
    texts: {
      results: results.map((result, index) => ({
        ...plan[index]?.lookup,
        ...(result.ok
          ? { sources: result.sources.map(({ id, title }) => ({ id, title })) }
          : { error: result.detail }),
      })),
    },
  };
}
