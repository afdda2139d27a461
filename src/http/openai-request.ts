/**
 * Reads the body of `POST /v1/chat/completions`. What cannot be honoured is refused with the name of the
 * field; what only tunes an answer and is unknown is left out (docs/openai-api.md has the list).
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { ChatMessage, ModelRequest, PriorityClass } from '../contract/model.ts';
import { readTraceParent, traceHeader, traceParentOf } from '../contract/trace.ts';
import { GatehouseError } from '../lib/errors.ts';

/** The model name behind which a message becomes a whole job. */
export const assistantModel = 'gatehouse';

/** Who speaks where nobody says: one person on their own machine, as in `POST /chat`. */
const defaultUser = 'local';

export interface CompletionCall {
  model: string;
  stream: boolean;
  includeUsage: boolean;
  user: string;
  priority: PriorityClass;
  /** For a backend: the request as it is passed on. */
  request: ModelRequest;
  /** W3C trace context of the caller. */
  traceparent: string | undefined;
  /** For a job: the last message, and the channel that keeps the client's conversations apart. */
  message: string;
  channel: string;
}

const toolCall = z.object({
  id: z.string().min(1),
  type: z.literal('function').default('function'),
  function: z.object({ name: z.string().min(1), arguments: z.string() }),
});

const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.unknown(),
  tool_calls: z.array(toolCall).nullish(),
  tool_call_id: z.string().nullish(),
});

const tool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: z.string().min(1),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
  }),
});

const namedTool = z.object({
  type: z.literal('function'),
  function: z.object({ name: z.string().min(1) }),
});

const responseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      name: z.string().min(1),
      schema: z.record(z.string(), z.unknown()).nullish(),
    }),
  }),
]);

/** Passed on as they are, where they are set. */
const sampling = z.object({
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
});

export const completionBody = z.object({
  model: z.string().min(1).max(128),
  messages: z.array(message).min(1).max(4_000),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  user: z.string().min(1).max(256).nullish(),
  metadata: z.object({ conversation: z.string().min(1).max(256).optional() }).nullish(),
  max_tokens: z.number().int().positive().nullish(),
  max_completion_tokens: z.number().int().positive().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  n: z.literal(1, 'only one choice is given').nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: z.union([z.enum(['none', 'auto', 'required']), namedTool]).nullish(),
  response_format: responseFormat.nullish(),
  ...sampling.shape,
});
type Body = z.infer<typeof completionBody>;

/** @throws GH_REQUEST_INVALID, GH_REQUEST_EMPTY */
export function readCall(input: unknown, headers: IncomingHttpHeaders): CompletionCall {
  const parsed = parse(input);
  const messages = parsed.messages.map(readMessage);
  const isJob = parsed.model === assistantModel;
  const priority = readPriority(headers['x-gatehouse-priority']);
  if (isJob) refuseForJob(parsed, priority);
  return {
    model: parsed.model,
    stream: parsed.stream ?? false,
    includeUsage: parsed.stream_options?.include_usage ?? false,
    user: parsed.user ?? defaultUser,
    priority,
    request: requestOf(parsed, messages),
    message: isJob ? lastMessage(messages) : '',
    traceparent: readTrace(headers[traceHeader]),
    channel: channelOf(parsed.metadata?.conversation, messages),
  };
}

function parse(input: unknown): Body {
  const result = completionBody.safeParse(input ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const why = (issue?.message ?? 'is not valid').replace(/^Invalid input: /, '');
  throw invalid(issue?.path.join('.') || 'body', why);
}

const invalid = (field: string, why: string): GatehouseError =>
  new GatehouseError('GH_REQUEST_INVALID', `${field}: ${why}`);

function readTrace(header: string | string[] | undefined): string | undefined {
  const caller = readTraceParent(header);
  return caller === null ? undefined : traceParentOf(caller);
}

function readPriority(header: string | string[] | undefined): PriorityClass {
  if (header === undefined || header === 'foreground') return 'foreground';
  if (header === 'background') return 'background';
  throw invalid('x-gatehouse-priority', 'must be foreground or background');
}

function readMessage(raw: z.infer<typeof message>, index: number): ChatMessage {
  const content = textOf(raw.content, `messages.${index}.content`);
  // Local templates know no `developer`; OpenAI says that it is the new name of `system`.
  const role = raw.role === 'developer' ? 'system' : raw.role;
  return {
    role,
    content,
    ...(raw.tool_calls && raw.tool_calls.length > 0 ? { tool_calls: raw.tool_calls } : {}),
    ...(raw.tool_call_id ? { tool_call_id: raw.tool_call_id } : {}),
  };
}

/** Text, or parts that are all text. Anything else would be lost on the way to the model, so it is refused. */
function textOf(content: unknown, where: string): string {
  if (content === undefined || content === null) return '';
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) throw invalid(where, 'expected text, or a list of text parts');
  const parts = content as { type?: unknown; text?: unknown }[];
  return parts
    .map((part, index) => {
      if (part?.type === 'text' && typeof part.text === 'string') return part.text;
      throw invalid(`${where}.${index}`, 'only text parts are passed on to a model');
    })
    .join('\n');
}

function requestOf(parsed: Body, messages: ChatMessage[]): ModelRequest {
  const maxTokens = parsed.max_completion_tokens ?? parsed.max_tokens;
  const { temperature, tools, tool_choice: toolChoice, response_format: format } = parsed;
  const further = Object.entries(sampling.parse(parsed)).filter(
    ([, value]) => value !== undefined && value !== null,
  );
  return {
    messages,
    ...(maxTokens ? { maxTokens } : {}),
    ...(temperature === undefined || temperature === null ? {} : { temperature }),
    ...(parsed.reasoning_effort === 'none' ? { thinking: false } : {}),
    ...(tools && tools.length > 0 ? { tools: tools.map(readTool) } : {}),
    ...(toolChoice ? { toolChoice } : {}),
    ...schemaOf(format),
    ...(further.length > 0 ? { sampling: Object.fromEntries(further) } : {}),
  };
}

const readTool = ({ type, function: { name, description, parameters } }: z.infer<typeof tool>) => ({
  type,
  function: {
    name,
    description: description ?? '',
    parameters: parameters ?? { type: 'object', properties: {} },
  },
});

function schemaOf(format: Body['response_format']): Pick<ModelRequest, 'jsonSchema'> {
  if (!format || format.type === 'text') return {};
  // Every server that takes a schema takes this one; not every one takes `json_object`.
  if (format.type === 'json_object') {
    return { jsonSchema: { name: 'object', schema: { type: 'object' } } };
  }
  const { name, schema } = format.json_schema;
  return { jsonSchema: { name, schema: schema ?? { type: 'object' } } };
}

/** What a job has of its own, or cannot keep, is not taken in silence. */
function refuseForJob(parsed: Body, priority: PriorityClass): void {
  const only = `is passed on to backends only; ${assistantModel}`;
  if (parsed.tools && parsed.tools.length > 0 && parsed.tool_choice !== 'none') {
    throw invalid('tools', `${only} has tools of its own`);
  }
  if (parsed.response_format && parsed.response_format.type !== 'text') {
    throw invalid('response_format', `${only} answers in words`);
  }
  if (priority === 'background') {
    throw invalid('x-gatehouse-priority', `background ${only} answers people`);
  }
}

function lastMessage(messages: readonly ChatMessage[]): string {
  const last = messages.at(-1);
  if (last?.role === 'user') return last.content;
  throw invalid('messages', `${assistantModel} answers a user: the last message must be theirs`);
}

/**
 * The conversation of a job is its channel and its user. A client that sends its history with every request
 * always sends the same first message: a digest of that keeps its chats apart, without a word of one getting
 * into another. `metadata.conversation` says it outright.
 */
function channelOf(conversation: string | undefined, messages: readonly ChatMessage[]): string {
  const first = messages.find(({ role }) => role === 'user')?.content ?? '';
  const origin = conversation === undefined ? `message:${first}` : `conversation:${conversation}`;
  return `openai-${createHash('sha256').update(origin).digest('base64url').slice(0, 16)}`;
}
