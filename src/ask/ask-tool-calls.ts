/**
 * Converts a model's tool calls for the ask machine. Models shorten names, fence and truncate their JSON, repeat call
 * ids or print calls into the text (the backend parses those). All calls get the same repair; what is still wrong is
 * returned to the model as an error.
 *
 * 1. Only valid JSON enters the conversation: some servers refuse every later request otherwise.
 * 2. Ids are unique within an ask, and a model turn has at most `callsMax` calls.
 */
import { z } from 'zod';
import type { AskCall, AskToolError, AskLookup } from '#machines/ask-types';
import type { ModelAnswer, ModelToolCall, PrintedCallRules } from '#shared/model/model';
import { extractJsonValues } from '#language/classification/model-json';
import { askLoopTools } from '#language/prompts/ask-prompt';
import type { ExternalRead } from './external-reads.ts';

/** More calls in one turn are a loop; each accepted call costs a tool result in the conversation. */
const callsMax = 8;
/** A query of one sentence has a hundred characters; longer arguments are runaway output. */
const argumentCharsMax = 2_000;
const queryCharsMax = 200;
const detailCharsMax = 200;
/** The ids that the strictest chat templates accept. */
const validId = /^[A-Za-z0-9_-]{1,64}$/;

interface LookupTool {
  schema: z.ZodType<AskLookup>;
  /** Other names that models use for it. */
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

const documentTools = Object.keys(lookupTools);

/** Names that no external read may have. */
export const ownToolNames: ReadonlySet<string> = new Set(
  documentTools.flatMap((tool) => [tool, ...lookupTools[tool]!.aliases]),
);

function resolveToolName(raw: string, reads: readonly ExternalRead[]): string | null {
  const name = raw.trim().replace(/^(?:functions?|tools?)[./]/, '');
  const own = documentTools.find(
    (each) => each === name || lookupTools[each]!.aliases.includes(name),
  );
  return own ?? reads.find((read) => read.name === name || read.source === name)?.name ?? null;
}

/** Rules for calls printed into the text: the offered tools under all their names, and also unknown tools. */
export const printedCallRules = (reads: readonly ExternalRead[]): PrintedCallRules => ({
  tools: [
    ...Object.entries(lookupTools).flatMap(([tool, { aliases }]) => {
      const parameters = askLoopTools.find((each) => each.function.name === tool)?.function
        .parameters;
      return [tool, ...aliases].map((name) => ({ name, parameters }));
    }),
    ...reads.flatMap(({ name, source, parameters }) => [
      { name, parameters },
      { name: source, parameters },
    ]),
  ],
  unknown: 'call',
});

/** The calls of a model turn. `taken`: ids already used; new ids are added. */
export function parseToolCalls(
  answer: Pick<ModelAnswer, 'toolCalls' | 'finishReason'>,
  taken: Set<string>,
  reads: readonly ExternalRead[] = [],
): AskCall[] {
  const isCut = answer.finishReason === 'length';
  return answer.toolCalls
    .slice(0, callsMax)
    .map((call) => parseToolCall(call, { isCut, taken, reads }));
}

interface CallRules {
  isCut: boolean;
  taken: Set<string>;
  reads: readonly ExternalRead[];
}

function parseToolCall(call: ModelToolCall, { isCut, taken, reads }: CallRules): AskCall {
  const id = validId.test(call.id) && !taken.has(call.id) ? call.id : freshId(taken);
  taken.add(id);
  const { name: raw } = call.function;
  const name = resolveToolName(raw, reads);
  const args = parseArguments(call.function.arguments, isCut);
  const wants = toLookup(name, args, reads);
  return {
    id,
    name: name ?? (raw.replace(/[^\w.-]/g, '').slice(0, 64) || 'unknown'),
    arguments: 'fault' in args ? '{}' : JSON.stringify(args.value),
    wants,
  };
}

/** Nine letters and digits, as the strictest templates require. */
function freshId(taken: ReadonlySet<string>): string {
  for (let n = taken.size; ; n += 1) {
    const id = `call${String(n).padStart(5, '0')}`;
    if (!taken.has(id)) return id;
  }
}

type ParsedArguments = { value: object } | { fault: AskToolError };

function parseArguments(raw: string, isCut: boolean): ParsedArguments {
  const fault = (detail: string): ParsedArguments => ({
    fault: { error: 'invalid_arguments', detail },
  });
  if (raw.length > argumentCharsMax) return fault(`more than ${argumentCharsMax} characters`);
  const strict = parseJson(raw);
  // Some models encode twice: a JSON string that contains the object.
  const whole = typeof strict === 'string' ? parseJson(strict) : strict;
  if (isObject(whole)) return { value: whole };
  // A truncated argument may look like a valid query, but a wrong one.
  if (isCut) return fault('cut off: the arguments did not fit');
  for (const value of extractJsonValues(raw)) if (isObject(value)) return { value };
  return fault('not a JSON object');
}

function toLookup(
  name: string | null,
  args: ParsedArguments,
  reads: readonly ExternalRead[],
): AskLookup | AskToolError {
  if (name === null) {
    const available = [...documentTools, ...reads.map((read) => read.name)];
    return { error: 'unknown_tool', detail: 'there is no such tool', available };
  }
  if ('fault' in args) return args.fault;
  if (!Object.hasOwn(lookupTools, name)) {
    return { kind: 'external', name, params: args.value as Record<string, unknown> };
  }
  const result = lookupTools[name]!.schema.safeParse(args.value);
  if (result.success) return result.data;
  const detail = result.error.issues
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ');
  return { error: 'invalid_arguments', detail: detail.slice(0, detailCharsMax) };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
