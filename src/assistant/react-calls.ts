/**
 * The tool calls of a model as the ask machine takes them. Models shorten names, fence and cut their JSON, number
 * all calls alike or print them into the text (the backend reads those): one repair, the same every time, and what
 * is still wrong goes back to the model as an error.
 *
 * 1. What goes into the conversation is valid JSON: some servers refuse any other for the rest of it.
 * 2. Ids are unique in an ask, and there are at most `callsMax` calls in a turn.
 */
import { z } from 'zod';
import type { AskCall, AskFault, AskLookup } from '../../machines/ask-types.ts';
import type { ModelAnswer, ModelToolCall, PrintedCallRules } from '../contract/model.ts';
import { jsonValues } from '../routing/model-json.ts';
import { reactTools } from '../routing/react-prompt.ts';

/** More in one turn is a loop; each that is kept costs an answer in the conversation. */
const callsMax = 8;
/** A query of a sentence has a hundred characters; what is longer is not a call but a runaway. */
const argumentCharsMax = 2_000;
const queryCharsMax = 200;
const detailCharsMax = 200;
/** What the strictest chat templates take. */
const idForm = /^[A-Za-z0-9_-]{1,64}$/;

interface LookupTool {
  schema: z.ZodType<AskLookup>;
  /** Names that models use for it. */
  aliases: readonly string[];
}

const text = z.coerce.string().trim().min(1);

const lookupTools: Readonly<Record<string, LookupTool>> = {
  search: {
    aliases: ['search_documents', 'search_document', 'document_search', 'document.search'],
    schema: z
      .object({
        query: text.transform((query) => query.slice(0, queryCharsMax).toWellFormed()),
        limit: z.coerce.number().int().min(1).max(5).catch(5),
      })
      .transform(({ query, limit }) => ({ kind: 'search', query, limit })),
  },
  read: {
    aliases: ['read_document', 'get_document', 'open_document'],
    schema: z
      .object({
        id: text.pipe(z.string().max(64)),
        from: z.coerce.number().int().min(0).optional().catch(undefined),
      })
      .transform(({ id, from }) => ({ kind: 'read', id, from })),
  },
};

const available = Object.keys(lookupTools);

function toolNamed(raw: string): string | null {
  const name = raw.trim().replace(/^(?:functions?|tools?)[./]/, '');
  const found = available.find(
    (each) => each === name || lookupTools[each]!.aliases.includes(name),
  );
  return found ?? null;
}

/** Calls that are printed into the text: of our tools under all their names, and of tools that there are not. */
export const printedCallRules: PrintedCallRules = {
  tools: Object.entries(lookupTools).flatMap(([tool, { aliases }]) => {
    const parameters = reactTools.find((each) => each.function.name === tool)?.function.parameters;
    return [tool, ...aliases].map((name) => ({ name, parameters }));
  }),
  unknown: 'call',
};

/** The calls of a turn. `taken`: ids that have been used; grows. */
export function readCalls(
  answer: Pick<ModelAnswer, 'toolCalls' | 'finishReason'>,
  taken: Set<string>,
): AskCall[] {
  const isCut = answer.finishReason === 'length';
  return answer.toolCalls.slice(0, callsMax).map((call) => readCall(call, isCut, taken));
}

function readCall(call: ModelToolCall, isCut: boolean, taken: Set<string>): AskCall {
  const id = idForm.test(call.id) && !taken.has(call.id) ? call.id : freshId(taken);
  taken.add(id);
  const { name: raw } = call.function;
  const name = toolNamed(raw);
  const args = readArguments(call.function.arguments, isCut);
  const wants = wantsOf(name, args);
  return {
    id,
    name: name ?? (raw.replace(/[^\w.-]/g, '').slice(0, 64) || 'unknown'),
    arguments: 'fault' in args ? '{}' : JSON.stringify(args.value),
    wants,
  };
}

/** Nine letters and digits, as the strictest templates want. */
function freshId(taken: ReadonlySet<string>): string {
  for (let n = taken.size; ; n += 1) {
    const id = `call${String(n).padStart(5, '0')}`;
    if (!taken.has(id)) return id;
  }
}

type ReadArguments = { value: object } | { fault: AskFault };

function readArguments(raw: string, isCut: boolean): ReadArguments {
  const fault = (detail: string): ReadArguments => ({
    fault: { error: 'invalid_arguments', detail },
  });
  if (raw.length > argumentCharsMax) return fault(`more than ${argumentCharsMax} characters`);
  const strict = parsed(raw);
  // Some encode twice: a text that holds the object.
  const whole = typeof strict === 'string' ? parsed(strict) : strict;
  if (isObject(whole)) return { value: whole };
  // Half a word may be a query of its own, and a wrong one.
  if (isCut) return fault('cut off: the arguments did not fit');
  for (const value of jsonValues(raw)) if (isObject(value)) return { value };
  return fault('not a JSON object');
}

function wantsOf(name: string | null, args: ReadArguments): AskLookup | AskFault {
  if (name === null) {
    return { error: 'unknown_tool', detail: 'there is no such tool', available };
  }
  if ('fault' in args) return args.fault;
  const result = lookupTools[name]!.schema.safeParse(args.value);
  if (result.success) return result.data;
  const detail = result.error.issues
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ');
  return { error: 'invalid_arguments', detail: detail.slice(0, detailCharsMax) };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
