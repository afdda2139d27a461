/** OpenAI's shapes of answers, chunks and errors. Pure. What is ours beside them is in the field `gatehouse`. */
import type { ModelAnswer, ModelToolCall } from '../contract/model.ts';
import type { GatehouseError } from '../lib/errors.ts';

/** What all chunks of one answer have in common. */
export interface AnswerHead {
  id: string;
  model: string;
  /** Epoch seconds. */
  created: number;
}

/** How an answer ended. */
export interface AnswerEnd {
  text: string;
  toolCalls: ModelToolCall[];
  finishReason: ModelAnswer['finishReason'];
  /** Null where nobody counted. */
  usage: ModelAnswer['usage'];
  /** What is ours: times, job, outcome. */
  about: Record<string, unknown>;
}

function usageOf(usage: NonNullable<AnswerEnd['usage']>): object {
  const { promptTokens, completionTokens, cachedTokens } = usage;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    ...(cachedTokens === null ? {} : { prompt_tokens_details: { cached_tokens: cachedTokens } }),
  };
}

export function completionOf(head: AnswerHead, end: AnswerEnd): object {
  const calls = end.toolCalls.length > 0 ? { tool_calls: end.toolCalls } : {};
  const message = {
    role: 'assistant',
    content: end.text === '' && end.toolCalls.length > 0 ? null : end.text,
    refusal: null,
    ...calls,
  };
  return {
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: end.finishReason }],
    ...(end.usage === null ? {} : { usage: usageOf(end.usage) }),
    gatehouse: end.about,
  };
}

export const chunkOf = (
  head: AnswerHead,
  delta: object,
  finishReason: AnswerEnd['finishReason'] | null = null,
): object => ({
  ...head,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
});

export const usageChunkOf = (head: AnswerHead, usage: NonNullable<AnswerEnd['usage']>): object => ({
  ...head,
  object: 'chat.completion.chunk',
  choices: [],
  usage: usageOf(usage),
});

export const toolCallDelta = (call: ModelToolCall, index: number): object => ({
  tool_calls: [{ index, ...call }],
});

/** OpenAI's word for the sort of error, by status. */
function typeOf(status: number): string {
  if (status === 401 || status === 403) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

export const errorOf = (error: GatehouseError): { error: object } => ({
  error: {
    message: error.message,
    type: typeOf(error.status),
    param: error.param ?? (error.code === 'GH_BACKEND_UNKNOWN' ? 'model' : null),
    code: error.code,
    ...(error.errorReason === null ? {} : { error_reason: error.errorReason }),
  },
});
