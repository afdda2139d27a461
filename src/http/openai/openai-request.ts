/**
 * Parses the body of `POST /v1/chat/completions`. Fields that cannot be supported are refused by name; fields without
 * effect are listed in the response (openai-fields.ts has the rules).
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { ModelRequest } from '#shared/model/model';
import type { PriorityClass } from '#machines/gate-queue';
import { openAiChannelPrefix } from '#shared/wire/conversation';
import { parseTraceParent, traceHeader, formatTraceParent } from '#shared/wire/trace';
import {
  effectiveFields,
  fieldError,
  ignoredByAssistant,
  ignoredByBackend,
  passthroughFields,
  type Fields,
} from './openai-fields.ts';
import { isFrontEndTask } from './front-end-task.ts';
import { fingerprintOf, parseContent, type PlacedPictures } from './message-content.ts';
import { messageSchema, parseMessages, type IncomingChatMessage } from './openai-messages.ts';
import { parseTools, toolSchema } from './openai-tools.ts';

/** The model name that makes a job of a message. */
export const assistantModel = 'gatehouse';

/** The configured models as a plain chat: no tools, so no drafts; the client keeps the history. */
export const chatModel = 'gatehouse-chat';

/** Default user id: one user on their own machine, as in `POST /chat`. */
const defaultUser = 'local';

export interface CompletionCall {
  model: string;
  stream: boolean;
  includeUsage: boolean;
  user: string;
  priority: PriorityClass;
  /** Names of fields without effect. */
  ignored: string[];
  /** A front-end task (a title or similar): a model answers, and no job is opened. */
  isTask: boolean;
  /** For a backend: the request to pass on. Empty for a job. */
  request: ModelRequest;
  /** All pictures of the request; for a job those of the last message. */
  pictures: PlacedPictures[];
  /** W3C trace context of the caller. */
  traceparent: string | undefined;
  /** For a job: the last message, and the channel that separates the client's conversations. */
  message: string;
  channel: string;
}

const schema = z.record(z.string(), z.unknown());

const responseFormat = z.discriminatedUnion(
  'type',
  [
    z.looseObject({ type: z.literal('text') }),
    z.looseObject({ type: z.literal('json_object'), schema: schema.nullish() }),
    z.looseObject({
      type: z.literal('json_schema'),
      /** Next to `json_schema` in the dialect of llama.cpp. */
      schema: schema.nullish(),
      json_schema: z
        .looseObject({
          name: z.string().min(1).nullish(),
          description: z.string().nullish(),
          schema: schema.nullish(),
          strict: z.boolean().nullish(),
        })
        .nullish(),
    }),
  ],
  'expected text, json_object or json_schema',
);

/** Local servers use -1 and other negative numbers for "no limit". */
const tokenLimit = z
  .number()
  .int()
  .refine((count) => count !== 0, 'must be 1 or more; -1 is no limit');

/** Unknown fields are accepted: they are passed on to a backend. */
const completionBody = z.looseObject({
  model: z.string().min(1).max(128),
  messages: z.array(messageSchema).min(1).max(4_000),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  user: z.string().max(256).nullish(),
  metadata: z.looseObject({ conversation: z.string().max(256).nullish() }).nullish(),
  max_tokens: tokenLimit.nullish(),
  max_completion_tokens: tokenLimit.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  tools: z.array(toolSchema).nullish(),
  tool_choice: z.unknown().optional(),
  response_format: responseFormat.nullish(),
  top_p: z.number().nullish(),
  top_k: z.number().nullish(),
  min_p: z.number().nullish(),
  seed: z.number().int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  presence_penalty: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  repeat_penalty: z.number().nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  reasoning_effort: z.string().nullish(),
  verbosity: z.string().nullish(),
});
type Body = z.infer<typeof completionBody>;

/** The body of a request. Fields at their default are dropped before they are checked: some clients send null for all. */
export const completionRequest = z.preprocess((input) => {
  const isRecord = typeof input === 'object' && input !== null && !Array.isArray(input);
  return isRecord ? effectiveFields(input as Fields) : input;
}, completionBody);

/** @throws GH_REQUEST_INVALID, GH_REQUEST_EMPTY */
export function parseCompletionCall(body: Body, headers: IncomingHttpHeaders): CompletionCall {
  const isTask = body.model === assistantModel && isFrontEndTask(body.messages);
  const isJob = body.model === assistantModel && !isTask;
  const priority = parsePriority(headers['x-gatehouse-priority']);
  return {
    model: body.model,
    isTask,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    user: body.user ?? defaultUser,
    priority,
    traceparent: parseTrace(headers[traceHeader]),
    channel: channelOf(body.metadata?.conversation, body.messages),
    ...(isJob ? jobPart(body, priority) : isTask ? taskPart(body) : backendPart(body)),
  };
}

function parseTrace(header: string | string[] | undefined): string | undefined {
  const caller = parseTraceParent(header);
  return caller === null ? undefined : formatTraceParent(caller);
}

function parsePriority(header: string | string[] | undefined): PriorityClass {
  if (header === undefined || header === 'foreground') return 'foreground';
  if (header === 'background') return 'background';
  throw fieldError('x-gatehouse-priority', 'must be foreground or background');
}

type Part = Pick<CompletionCall, 'request' | 'message' | 'ignored' | 'pictures'>;

function backendPart(body: Body): Part {
  const { messages, ignored, pictures } = parseMessages(body.messages);
  const { tools, choice } = parseTools(body.tools ?? [], body.tool_choice);
  const maxTokens = maxTokensOf(body);
  const sampling = passthroughFields(body);
  if (Array.isArray(body.stop)) sampling['stop'] = body.stop.filter((word) => word !== '');
  // Servers have different defaults, so it is sent explicitly; without tools it has no effect.
  const parallel = body.parallel_tool_calls;
  if (typeof parallel === 'boolean' && tools.length > 0) sampling['parallel_tool_calls'] = parallel;
  const request: ModelRequest = {
    messages,
    ...(maxTokens === null ? {} : { maxTokens }),
    ...(typeof body.temperature === 'number' ? { temperature: body.temperature } : {}),
    ...(body.reasoning_effort === 'none' ? { thinking: false } : {}),
    ...(tools.length > 0 ? { tools, ...(choice === null ? {} : { toolChoice: choice }) } : {}),
    ...schemaOf(body.response_format),
    ...(Object.keys(sampling).length > 0 ? { sampling } : {}),
  };
  return { request, message: '', pictures, ignored: [...ignoredByBackend(body), ...ignored] };
}

/** A title needs no picture, and the classifier's model may take none. */
function taskPart(body: Body): Part {
  const { request, ...part } = backendPart(body);
  const messages = request.messages.map(({ parts: _pictures, ...message }) => message);
  return { ...part, request: { ...request, messages }, pictures: [] };
}

/** The smaller one if both are set. Null: neither is set; Infinity: no limit. */
function maxTokensOf({ max_tokens: old, max_completion_tokens: current }: Body): number | null {
  const given = [old, current].filter((count) => typeof count === 'number');
  if (given.length === 0) return null;
  return Math.min(...given.map((count) => (count < 0 ? Number.POSITIVE_INFINITY : count)));
}

function schemaOf(format: Body['response_format']): Pick<ModelRequest, 'jsonSchema'> {
  if (!format || format.type === 'text') return {};
  // Every server that supports schemas accepts this one; not every server supports `json_object`.
  const anyObject = { type: 'object' };
  if (format.type === 'json_object') {
    return { jsonSchema: { name: 'object', schema: format.schema ?? anyObject } };
  }
  const { name, description, schema: inner, strict } = format.json_schema ?? {};
  return {
    jsonSchema: {
      name: name ?? 'answer',
      ...(description ? { description } : {}),
      schema: inner ?? format.schema ?? anyObject,
      ...(typeof strict === 'boolean' ? { strict } : {}),
    },
  };
}

/** Fields that a job sets itself or cannot honour are refused or listed as ignored. */
function jobPart(body: Body, priority: PriorityClass): Part {
  const only = `is passed on to backends only; ${assistantModel}`;
  const { tools, choice } = parseTools(body.tools ?? [], body.tool_choice);
  if (tools.length > 0 && choice !== 'none') {
    throw fieldError('tools', `${only} has tools of its own`);
  }
  if (body.response_format && body.response_format.type !== 'text') {
    throw fieldError('response_format', `${only} answers in words`);
  }
  if (priority === 'background') {
    throw fieldError('x-gatehouse-priority', `background ${only} answers people`);
  }
  const ignored = ignoredByAssistant(body);
  // The tokens of a job are spread over several models, so there is no usage to report.
  if (body.stream_options?.include_usage === true) ignored.push('stream_options.include_usage');
  return { request: { messages: [] }, ...lastMessage(body.messages), ignored };
}

/** Earlier messages are ignored: the assistant stores the conversation itself. */
function lastMessage(messages: readonly IncomingChatMessage[]): Pick<Part, 'message' | 'pictures'> {
  const last = messages.at(-1);
  const where = `messages.${messages.length - 1}`;
  if (last?.role !== 'user') {
    const why = `${assistantModel} answers a user: the last message must be theirs`;
    throw fieldError(`${where}.role`, why);
  }
  const { text, pictures } = parseContent(last.content ?? '', `${where}.content`);
  return {
    message: text,
    pictures: pictures.length === 0 ? [] : [{ where: `${where}.content`, pictures }],
  };
}

/**
 * A job's conversation is identified by channel and user. A client that sends its history with every request always
 * sends the same first message: its digest separates the client's chats, so that no text of one chat gets into another.
 * `metadata.conversation` sets it explicitly.
 */
function channelOf(
  conversation: string | null | undefined,
  messages: readonly IncomingChatMessage[],
): string {
  const first = fingerprintOf(messages.find(({ role }) => role === 'user')?.content);
  const origin = conversation ? `conversation:${conversation}` : `message:${first}`;
  return `${openAiChannelPrefix}${createHash('sha256').update(origin).digest('base64url').slice(0, 16)}`;
}
