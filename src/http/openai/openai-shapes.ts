/** OpenAI's formats of responses, chunks and errors. Pure. Our own additions are in the field `gatehouse`. */
import { z } from 'zod';
import type { ModelAnswer, ModelToolCall } from '#shared/model/model';
import type { GatehouseError } from '#shared/errors';

export const modelSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('model'),
    created: z.int(),
    owned_by: z.literal('gatehouse'),
    gatehouse: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Model' });

/** Fields that all chunks of one response share. */
export interface CompletionHead {
  id: string;
  model: string;
  /** Epoch seconds. */
  created: number;
}

/** How a response ended. */
export interface CompletionEnd {
  text: string;
  toolCalls: ModelToolCall[];
  finishReason: ModelAnswer['finishReason'];
  /** Null where the server reported none. */
  usage: ModelAnswer['usage'];
  /** Our own fields: times, job, outcome. */
  about: Record<string, unknown>;
}

function usageOf(usage: NonNullable<CompletionEnd['usage']>): object {
  const { promptTokens, completionTokens, cachedTokens } = usage;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    ...(cachedTokens === null ? {} : { prompt_tokens_details: { cached_tokens: cachedTokens } }),
  };
}

export const completionSchema = z
  .strictObject({
    id: z.string(),
    object: z.literal('chat.completion'),
    model: z.string(),
    created: z.int(),
    choices: z.array(
      z.strictObject({
        index: z.literal(0),
        message: z.strictObject({
          role: z.literal('assistant'),
          content: z.string().nullable(),
          refusal: z.null(),
          tool_calls: z.array(z.record(z.string(), z.unknown())).optional(),
        }),
        logprobs: z.null(),
        finish_reason: z.enum(['stop', 'length', 'tool_calls', 'content_filter']),
      }),
    ),
    usage: z.record(z.string(), z.unknown()).optional(),
    gatehouse: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Completion' });

export function completionOf(head: CompletionHead, end: CompletionEnd): object {
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
  head: CompletionHead,
  delta: object,
  finishReason: CompletionEnd['finishReason'] | null = null,
): object => ({
  ...head,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
});

export const usageChunkOf = (
  head: CompletionHead,
  usage: NonNullable<CompletionEnd['usage']>,
): object => ({
  ...head,
  object: 'chat.completion.chunk',
  choices: [],
  usage: usageOf(usage),
});

export const toolCallDelta = (call: ModelToolCall, index: number): object => ({
  tool_calls: [{ index, ...call }],
});

/** OpenAI's error type by status. */
function errorType(status: number): string {
  if (status === 401 || status === 403) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

export const openAiErrorSchema = z
  .looseObject({
    error: z.looseObject({
      message: z.string(),
      type: z.string(),
      /** The field at fault. */
      param: z.string().nullable(),
      code: z.string(),
      error_reason: z.string().optional(),
    }),
  })
  .meta({ id: 'OpenAiError' });

export const toOpenAiError = (error: GatehouseError): z.infer<typeof openAiErrorSchema> => ({
  error: {
    message: error.message,
    type: errorType(error.status),
    param: error.param ?? (error.code === 'GH_BACKEND_UNKNOWN' ? 'model' : null),
    code: error.code,
    ...(error.errorReason === null ? {} : { error_reason: error.errorReason }),
  },
});
