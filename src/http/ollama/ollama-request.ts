/**
 * Bodies of Ollama's API, checked and converted to the call that the OpenAI-compatible API makes of its own bodies
 * (docs/ollama-api.md has the table of fields). Source: Ollama's docs/api.md, version 0.12.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { fieldError } from '../openai/openai-fields.ts';
import {
  assistantModel,
  completionRequest,
  parseCompletionCall,
  type CompletionCall,
} from '../openai/openai-request.ts';

const modelName = z.string().min(1).max(128);
/** Accepted without effect: models stay loaded as their server decides. */
const keepAlive = z.union([z.string(), z.number()]).nullish();

const toolCall = z.looseObject({
  id: z.string().nullish(),
  function: z.looseObject({
    name: z.string().min(1),
    arguments: z.union([z.record(z.string(), z.unknown()), z.string()]).nullish(),
  }),
});

const message = z.looseObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string().nullish(),
  images: z.array(z.string()).nullish(),
  thinking: z.string().nullish(),
  tool_calls: z.array(toolCall).nullish(),
  tool_name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
});
type OllamaMessage = z.infer<typeof message>;

/** Options that a model server of another kind knows too. All others are accepted without effect, as by Ollama. */
const options = z.looseObject({
  num_predict: z.int().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().nullish(),
  top_k: z.number().nullish(),
  min_p: z.number().nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  repeat_penalty: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
});
type OllamaOptions = z.infer<typeof options>;

const passedOptions = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'seed',
  'stop',
  'repeat_penalty',
  'presence_penalty',
  'frequency_penalty',
] as const;

const shared = {
  model: modelName,
  stream: z.boolean().nullish(),
  format: z.union([z.enum(['', 'json']), z.record(z.string(), z.unknown())]).nullish(),
  options: options.nullish(),
  think: z.union([z.boolean(), z.enum(['low', 'medium', 'high'])]).nullish(),
  keep_alive: keepAlive,
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().nullish(),
  user_id: z.string().max(256).nullish().describe('Whose message it is; default: local.'),
};

export const chatBody = z.looseObject({
  ...shared,
  messages: z.array(message).max(4_000).nullish(),
  tools: z.array(z.unknown()).nullish(),
});
export type ChatBody = z.infer<typeof chatBody>;

export const generateBody = z.looseObject({
  ...shared,
  prompt: z.string().nullish(),
  system: z.string().nullish(),
  images: z.array(z.string()).nullish(),
  suffix: z.string().nullish(),
  template: z.string().nullish(),
  raw: z.boolean().nullish(),
  context: z.array(z.number()).nullish(),
});
export type GenerateBody = z.infer<typeof generateBody>;

/** Ollama's clients write `gatehouse:latest` for `gatehouse`. */
export const modelOf = (name: string): string => name.replace(/:latest$/, '');

/** Null: no message, which asks a server of Ollama to load the model. @throws GH_REQUEST_INVALID, GH_REQUEST_EMPTY */
export function parseChat(body: ChatBody, headers: IncomingHttpHeaders): CompletionCall | null {
  const { messages, tools } = body;
  if (messages === null || messages === undefined || messages.length === 0) return null;
  return callOf(body, headers, {
    messages: convertMessages(messages),
    tools: tools ?? null,
  });
}

/** Null: no prompt, as above. @throws GH_REQUEST_INVALID, GH_REQUEST_EMPTY */
export function parseGenerate(
  body: GenerateBody,
  headers: IncomingHttpHeaders,
): CompletionCall | null {
  const { prompt, system, images, suffix, template, raw } = body;
  if (prompt === null || prompt === undefined || prompt === '') return null;
  if (suffix) throw fieldError('suffix', 'text is continued at its end only');
  if (template) throw fieldError('template', 'the model server has its own');
  if (raw === true) throw fieldError('raw', 'the model server applies its template');
  const first: OllamaMessage[] = system ? [{ role: 'system', content: system }] : [];
  const messages: OllamaMessage[] = [...first, { role: 'user', content: prompt, images }];
  return callOf(body, headers, {
    messages: convertMessages(messages),
    tools: null,
  });
}

function callOf(
  body: ChatBody | GenerateBody,
  headers: IncomingHttpHeaders,
  { messages, tools }: { messages: object[]; tools: readonly unknown[] | null },
): CompletionCall {
  for (const name of ['logprobs', 'top_logprobs'] as const) {
    if (body[name]) throw fieldError(name, 'probabilities of tokens are not given');
  }
  const model = modelOf(body.model);
  // The assistant has tools of its own. Home Assistant sends its tools to every model.
  const isIgnored = model === assistantModel && (tools ?? []).length > 0;
  const read = completionRequest.parse({
    model,
    messages,
    stream: body.stream ?? true,
    user: body.user_id ?? null,
    tools: isIgnored ? null : tools,
    response_format: formatOf(body.format),
    reasoning_effort: effortOf(body.think),
    ...optionsOf(body.options ?? {}),
  });
  const call = parseCompletionCall(read, headers);
  return isIgnored ? { ...call, ignored: [...call.ignored, 'tools'] } : call;
}

function formatOf(format: ChatBody['format']): object | null {
  if (format === null || format === undefined || format === '') return null;
  if (format === 'json') return { type: 'json_object' };
  return { type: 'json_schema', json_schema: { name: 'answer', schema: format } };
}

/** `true` is the default of a server that can think. */
const effortOf = (think: ChatBody['think']): string | null =>
  think === false ? 'none' : typeof think === 'string' ? think : null;

function optionsOf(given: OllamaOptions): Record<string, unknown> {
  const passed = passedOptions.flatMap((name) =>
    given[name] === undefined || given[name] === null ? [] : [[name, given[name]] as const],
  );
  // 0 would be an answer without a token; -1 and -2 are no limit.
  const limit = given.num_predict ?? null;
  if (limit === 0) throw fieldError('options.num_predict', 'must be 1 or more; -1 is no limit');
  return { ...Object.fromEntries(passed), ...(limit === null ? {} : { max_tokens: limit }) };
}

/** Tool calls have no ids in Ollama's format: they get some, and results are matched by name, then by order. */
function convertMessages(messages: readonly OllamaMessage[]): object[] {
  const open: { id: string; name: string }[] = [];
  return messages.map((one, index) => {
    const calls = (one.tool_calls ?? []).map((call, n) => {
      const id = call.id ?? `call_${index}_${n}`;
      open.push({ id, name: call.function.name });
      const { name, arguments: given } = call.function;
      return { id, type: 'function', function: { name, arguments: given ?? {} } };
    });
    return {
      role: one.role,
      content: contentOf(one),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
      ...(one.role === 'tool' ? { tool_call_id: one.tool_call_id ?? answered(open, one) } : {}),
    };
  });
}

/** Programs send pictures with and without `data:image/…;base64,`. Both are read. */
const contentOf = ({ content, images }: OllamaMessage): unknown =>
  (images ?? []).length === 0
    ? (content ?? '')
    : [
        ...images!.map((url) => ({ type: 'image_url', image_url: { url } })),
        { type: 'text', text: content ?? '' },
      ];

function answered(
  open: { id: string; name: string }[],
  { tool_name: name }: OllamaMessage,
): string {
  const byName = open.findIndex((call) => call.name === name);
  const [call] = open.splice(Math.max(0, byName), 1);
  return call?.id ?? 'call_0';
}
