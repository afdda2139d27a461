/** Parses `tools` and `tool_choice` in the forms that clients send. */
import { z } from 'zod';
import type { ModelRequest, ToolChoice } from '#shared/model/model';
import { fieldError } from './openai-fields.ts';

export const toolSchema = z.looseObject({
  type: z.literal('function', 'only functions are called; other tools run at OpenAI'),
  function: z.looseObject({
    name: z.string().min(1),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
  }),
});

type Tools = NonNullable<ModelRequest['tools']>;

const namedSchema = z.object({ name: z.string().min(1) });
const allowedToolsSchema = z.object({
  mode: z.enum(['auto', 'required']),
  tools: z.array(z.union([z.object({ function: namedSchema }), namedSchema])),
});

/** Other services use `any` for `required`. */
const choiceAliases: Readonly<Record<string, ToolChoice>> = {
  none: 'none',
  auto: 'auto',
  required: 'required',
  any: 'required',
};

const expectedChoice = 'expected none, auto, required, a function or allowed_tools';

/**
 * The tools that may be called, and the tool choice. `choice` null: the server's default.
 * @throws GH_REQUEST_INVALID naming `tool_choice`
 */
export function parseTools(
  given: readonly z.infer<typeof toolSchema>[],
  rawChoice: unknown,
): { tools: Tools; choice: ToolChoice | null } {
  const tools = given.map(parseTool);
  if (rawChoice === undefined || rawChoice === null) return { tools, choice: null };
  const { choice, allowed } = parseChoice(rawChoice);
  const kept = allowed === null ? tools : selectTools(tools, allowed);
  if (choice === 'required' && kept.length === 0) {
    throw fieldError('tool_choice', 'no tools are given');
  }
  if (typeof choice === 'object') selectTools(tools, [choice.function.name]);
  return { tools: kept, choice };
}

function parseTool({ function: given, ...rest }: z.infer<typeof toolSchema>): Tools[number] {
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

function selectTools(tools: Tools, names: readonly string[]): Tools {
  const missing = names.find((name) => !tools.some(({ function: f }) => f.name === name));
  if (missing !== undefined) throw fieldError('tool_choice', `there is no tool ${missing}`);
  return tools.filter(({ function: { name } }) => names.includes(name));
}

function parseChoice(raw: unknown): { choice: ToolChoice; allowed: string[] | null } {
  if (typeof raw === 'string') return { choice: parseChoiceName(raw), allowed: null };
  if (typeof raw !== 'object' || raw === null) throw fieldError('tool_choice', expectedChoice);
  const { type = 'function', function: called, allowed_tools: allowed } = raw as Choice;
  if (type === 'function') {
    const read = namedSchema.safeParse(called ?? raw);
    if (!read.success) throw fieldError('tool_choice', 'the function has no name');
    return { choice: { type: 'function', function: { name: read.data.name } }, allowed: null };
  }
  if (type !== 'allowed_tools') return { choice: parseChoiceName(type), allowed: null };
  const read = allowedToolsSchema.safeParse(allowed ?? raw);
  if (!read.success) throw fieldError('tool_choice', 'allowed_tools has no mode and tools');
  const names = read.data.tools.map((one) => ('function' in one ? one.function.name : one.name));
  return { choice: read.data.mode, allowed: names };
}

interface Choice {
  type?: unknown;
  function?: unknown;
  allowed_tools?: unknown;
}

function parseChoiceName(raw: unknown): ToolChoice {
  const choice =
    typeof raw === 'string' && Object.hasOwn(choiceAliases, raw) ? choiceAliases[raw] : undefined;
  if (choice === undefined) throw fieldError('tool_choice', expectedChoice);
  return choice;
}
