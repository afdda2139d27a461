/**
 * Reads the body of `POST /v1/chat/completions`. What cannot be honoured is refused with the name of the
 * field; what has no effect is named in the answer (openai-fields.ts has the rules).
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { ModelRequest, PriorityClass } from '../contract/model.ts';
import { readTraceParent, traceHeader, traceParentOf } from '../contract/trace.ts';
import {
  askedFields,
  fieldError,
  ignoredByAssistant,
  ignoredByBackend,
  passedOn,
  type Fields,
} from './openai-fields.ts';
import { isFrontEndTask } from './front-end-task.ts';
import {
  fingerprintOf,
  message,
  readMessages,
  textOf,
  type IncomingMessage,
} from './openai-messages.ts';
import { readTools, tool } from './openai-tools.ts';

/** The model name behind which a message becomes a whole job. */
export const assistantModel = 'gatehouse';

/** The same home's models as a plain chat: no tools, so no drafts; the client keeps the history. */
export const chatModel = 'gatehouse-chat';

/** Who speaks where nobody says: one person on their own machine, as in `POST /chat`. */
const defaultUser = 'local';

export interface CompletionCall {
  model: string;
  stream: boolean;
  includeUsage: boolean;
  user: string;
  priority: PriorityClass;
  /** Fields that have no effect, by name. */
  ignored: string[];
  /** A front end wants a title or the like: a model answers, and no job is made of it. */
  isTask: boolean;
  /** For a backend: the request as it is passed on. Empty for a job. */
  request: ModelRequest;
  /** W3C trace context of the caller. */
  traceparent: string | undefined;
  /** For a job: the last message, and the channel that keeps the client's conversations apart. */
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
      /** Beside `json_schema` in the dialect of llama.cpp. */
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

/** -1, and other negative numbers, are how local servers write "no limit". */
const tokens = z
  .number()
  .int()
  .refine((count) => count !== 0, 'must be 1 or more; -1 is no limit');

/** Fields that no rule names are taken, too: they are passed on to a backend. */
export const completionBody = z.looseObject({
  model: z.string().min(1).max(128),
  messages: z.array(message).min(1).max(4_000),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  user: z.string().max(256).nullish(),
  metadata: z.looseObject({ conversation: z.string().max(256).nullish() }).nullish(),
  max_tokens: tokens.nullish(),
  max_completion_tokens: tokens.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  tools: z.array(tool).nullish(),
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

/** @throws GH_REQUEST_INVALID, GH_REQUEST_EMPTY */
export function readCall(input: unknown, headers: IncomingHttpHeaders): CompletionCall {
  const isRecord = typeof input === 'object' && input !== null && !Array.isArray(input);
  const asked = askedFields(isRecord ? (input as Fields) : {});
  const body = parse(asked);
  const isTask = body.model === assistantModel && isFrontEndTask(body.messages);
  const isJob = body.model === assistantModel && !isTask;
  const priority = readPriority(headers['x-gatehouse-priority']);
  return {
    model: body.model,
    isTask,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    user: body.user ?? defaultUser,
    priority,
    traceparent: readTrace(headers[traceHeader]),
    channel: channelOf(body.metadata?.conversation, body.messages),
    ...(isJob ? jobPart(body, asked, priority) : backendPart(body, asked)),
  };
}

function parse(asked: Fields): Body {
  const result = completionBody.safeParse(asked);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const why = (issue?.message ?? 'is not valid').replace(/^Invalid input: /, '');
  throw fieldError(issue?.path.join('.') || 'body', why);
}

function readTrace(header: string | string[] | undefined): string | undefined {
  const caller = readTraceParent(header);
  return caller === null ? undefined : traceParentOf(caller);
}

function readPriority(header: string | string[] | undefined): PriorityClass {
  if (header === undefined || header === 'foreground') return 'foreground';
  if (header === 'background') return 'background';
  throw fieldError('x-gatehouse-priority', 'must be foreground or background');
}

type Part = Pick<CompletionCall, 'request' | 'message' | 'ignored'>;

function backendPart(body: Body, asked: Fields): Part {
  const { messages, ignored } = readMessages(body.messages);
  const { tools, choice } = readTools(body.tools ?? [], body.tool_choice);
  const maxTokens = maxTokensOf(body);
  const sampling = passedOn(asked);
  if (Array.isArray(body.stop)) sampling['stop'] = body.stop.filter((word) => word !== '');
  // Servers differ in what they do without it; with no tools it says nothing.
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
  return { request, message: '', ignored: [...ignoredByBackend(asked), ...ignored] };
}

/** The smaller of both where both are there. Null: not said; Infinity: no limit. */
function maxTokensOf({ max_tokens: old, max_completion_tokens: current }: Body): number | null {
  const given = [old, current].filter((count) => typeof count === 'number');
  if (given.length === 0) return null;
  return Math.min(...given.map((count) => (count < 0 ? Number.POSITIVE_INFINITY : count)));
}

function schemaOf(format: Body['response_format']): Pick<ModelRequest, 'jsonSchema'> {
  if (!format || format.type === 'text') return {};
  // Every server that takes a schema takes this one; not every one takes `json_object`.
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

/** What a job has of its own, or cannot keep, is not taken in silence. */
function jobPart(body: Body, asked: Fields, priority: PriorityClass): Part {
  const only = `is passed on to backends only; ${assistantModel}`;
  const { tools, choice } = readTools(body.tools ?? [], body.tool_choice);
  if (tools.length > 0 && choice !== 'none') {
    throw fieldError('tools', `${only} has tools of its own`);
  }
  if (body.response_format && body.response_format.type !== 'text') {
    throw fieldError('response_format', `${only} answers in words`);
  }
  if (priority === 'background') {
    throw fieldError('x-gatehouse-priority', `background ${only} answers people`);
  }
  const ignored = ignoredByAssistant(asked);
  // The tokens of a job are spread over several models.
  if (body.stream_options?.include_usage === true) ignored.push('stream_options.include_usage');
  return { request: { messages: [] }, message: lastMessage(body.messages), ignored };
}

/** Earlier messages are not read: the assistant remembers the conversation itself. */
function lastMessage(messages: readonly IncomingMessage[]): string {
  const last = messages.at(-1);
  const where = `messages.${messages.length - 1}`;
  if (last?.role !== 'user') {
    const why = `${assistantModel} answers a user: the last message must be theirs`;
    throw fieldError(`${where}.role`, why);
  }
  return textOf(last.content ?? '', `${where}.content`);
}

/**
 * The conversation of a job is its channel and its user. A client that sends its history with every request
 * always sends the same first message: a digest of that keeps its chats apart, without a word of one getting
 * into another. `metadata.conversation` says it outright.
 */
function channelOf(
  conversation: string | null | undefined,
  messages: readonly IncomingMessage[],
): string {
  const first = fingerprintOf(messages.find(({ role }) => role === 'user')?.content);
  const origin = conversation ? `conversation:${conversation}` : `message:${first}`;
  return `openai-${createHash('sha256').update(origin).digest('base64url').slice(0, 16)}`;
}
