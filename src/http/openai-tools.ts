/** `tools` and `tool_choice` in the forms in which clients send them. */
import { z } from 'zod';
import type { ModelRequest, ToolChoice } from '../contract/model.ts';
import { fieldError } from './openai-fields.ts';

export const tool = z.looseObject({
  type: z.literal('function', 'only functions are called; other tools run at OpenAI'),
  function: z.looseObject({
    name: z.string().min(1),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
  }),
});

type Tools = NonNullable<ModelRequest['tools']>;

const named = z.object({ name: z.string().min(1) });
const allowedTools = z.object({
  mode: z.enum(['auto', 'required']),
  tools: z.array(z.union([z.object({ function: named }), named])),
});

/** `any` is the word of other services for `required`. */
const words: Readonly<Record<string, ToolChoice>> = {
  none: 'none',
  auto: 'auto',
  required: 'required',
  any: 'required',
};

const forms = 'expected none, auto, required, a function or allowed_tools';

/**
 * The tools that may be called, and how. `choice` null: as the server likes.
 * @throws GH_REQUEST_INVALID naming `tool_choice`
 */
export function readTools(
  given: readonly z.infer<typeof tool>[],
  rawChoice: unknown,
): { tools: Tools; choice: ToolChoice | null } {
  const tools = given.map(readTool);
  if (rawChoice === undefined || rawChoice === null) return { tools, choice: null };
  const { choice, allowed } = readChoice(rawChoice);
  const kept = allowed === null ? tools : only(tools, allowed);
  if (choice === 'required' && kept.length === 0) {
    throw fieldError('tool_choice', 'no tools are given');
  }
  if (typeof choice === 'object') only(tools, [choice.function.name]);
  return { tools: kept, choice };
}

function readTool({ function: given, ...rest }: z.infer<typeof tool>): Tools[number] {
  const { description, parameters, ...further } = given;
  return {
    ...rest,
    function: {
      ...Object.fromEntries(Object.entries(further).filter(([, value]) => value !== null)),
      name: given.name,
      description: description ?? '',
      parameters: parameters ?? { type: 'object', properties: {} },
    },
  };
}

function only(tools: Tools, names: readonly string[]): Tools {
  const missing = names.find((name) => !tools.some(({ function: f }) => f.name === name));
  if (missing !== undefined) throw fieldError('tool_choice', `there is no tool ${missing}`);
  return tools.filter(({ function: { name } }) => names.includes(name));
}

function readChoice(raw: unknown): { choice: ToolChoice; allowed: string[] | null } {
  if (typeof raw === 'string') return { choice: wordOf(raw), allowed: null };
  if (typeof raw !== 'object' || raw === null) throw fieldError('tool_choice', forms);
  const { type = 'function', function: called, allowed_tools: allowed } = raw as Choice;
  if (type === 'function') {
    const read = named.safeParse(called ?? raw);
    if (!read.success) throw fieldError('tool_choice', 'the function has no name');
    return { choice: { type: 'function', function: { name: read.data.name } }, allowed: null };
  }
  if (type !== 'allowed_tools') return { choice: wordOf(type), allowed: null };
  const read = allowedTools.safeParse(allowed ?? raw);
  if (!read.success) throw fieldError('tool_choice', 'allowed_tools has no mode and tools');
  const names = read.data.tools.map((one) => ('function' in one ? one.function.name : one.name));
  return { choice: read.data.mode, allowed: names };
}

interface Choice {
  type?: unknown;
  function?: unknown;
  allowed_tools?: unknown;
}

function wordOf(raw: unknown): ToolChoice {
  const choice = typeof raw === 'string' && Object.hasOwn(words, raw) ? words[raw] : undefined;
  if (choice === undefined) throw fieldError('tool_choice', forms);
  return choice;
}
