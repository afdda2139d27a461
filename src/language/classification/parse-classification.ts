/**
 * Parses the raw output of the classifier model. Models answer with JSON in code fences, after reasoning text, broken,
 * repeated, in arrays, in prose, or with prose only; all of it is parsed as far as possible.
 *
 * Invariants:
 * C1 never throws, for any text.
 * C2 no response contains the JSON of a classification or reasoning text: users never see them.
 * C3 `create_confirmed` is never accepted from a model, nor any tool or operation that is not in the table.
 * C4 null means unreadable: the caller asks once more, then treats it as `direct`.
 */
import type { Action, ToolCall } from '#machines/decision';
import { isJsonObject, type JsonObject, lowerKeys } from '#shared/text/json-text';
import { bareName, type OfferedTools } from '#shared/text/printed-calls/offered-tools';
import { parsePrintedCalls } from '#shared/text/printed-calls/printed-calls';
import { extractJsonValues, stripReasoning } from './model-json.ts';
import { cleanText } from '../normalize-text.ts';
import { wordTable } from '../word-lists.ts';
import { type OperationTable, parseModelParams } from './model-operations.ts';

export interface Classification {
  action: Action;
  /** The answer (`direct`) or the question back (`clarify`); absent if the model gave none. */
  response?: string;
  /** The model's own wording of the question, with `route`; only for display. */
  prompt?: string;
  /** With `tools`; at least one. */
  calls?: ToolCall[];
}

const actions = wordTable<Action>(
  ['direct', 'direct|answer|reply|respond|chat'],
  ['route', 'route|reason|reasoner'],
  ['clarify', 'clarify|ask|question'],
  ['tools', 'tools|tool|tool_call'],
  ['system_status', 'system_status|status'],
);

/** More calls in one answer are a repetition loop, not a plan. */
const callsMax = 5;
const nestingMax = 3;

/** The JSON of a classification, complete or truncated, with any quoting. */
const looksLikeClassification = new RegExp(
  [
    // {"action", { 'response', {\"tool\" with or without text after it: the output may have been cut off
    String.raw`\{\s*\\*["'“”‘’\u0060]?\s*(?:action|response|operation|tool|params)(?![\p{L}\p{N}])`,
    // a later key of the object
    String.raw`[[,]\s*\\*["'“”]\s*(?:action|response|operation|params)\s*\\*["'“”]\s*[:=,]`,
    // cut off inside the first key
    String.raw`\{\s*\\*["'“][a-z_]*\s*$`,
    String.raw`^[^\p{L}\p{N}]*action[^\p{L}\p{N}]*[:=]`,
    'create_confirmed|create_draft',
  ].join('|'),
  'iu',
);

/** What all steps of a parse need; `depth`: how many answers are wrapped around this one. */
interface Parse {
  operations: OperationTable;
  depth: number;
}

const deeper = (at: Parse): Parse => ({ ...at, depth: at.depth + 1 });

/** Text for the user, or undefined. Objects are searched: {"text": "…"} is an answer, too. */
function flattenText(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') {
    const text = cleanText(stripReasoning(value)).trim();
    return text === '' ? undefined : text;
  }
  if (depth >= nestingMax) return undefined;
  if (Array.isArray(value)) {
    const parts = value
      .map((item) => flattenText(item, depth + 1))
      .filter((part) => part !== undefined);
    return parts.length > 0 ? parts.join('\n') : undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const fields = lowerKeys(value);
  const known = ['text', 'response', 'content', 'message', 'answer'].find((key) => key in fields);
  return known === undefined ? undefined : flattenText(fields[known], depth + 1);
}

const parseEmbeddedParams = (value: unknown): unknown => {
  if (typeof value !== 'string') return value;
  for (const inner of extractJsonValues(value)) return isJsonObject(inner) ? inner : {};
  return {};
};

/** A call from tool name, operation and parameters; also in OpenAI's format. */
function parseCall(value: unknown, operations: OperationTable): ToolCall | null {
  if (!isJsonObject(value)) return null;
  const fields = lowerKeys(value);
  const source = isJsonObject(fields['function']) ? lowerKeys(fields['function']) : fields;
  const tool = source['tool'] ?? source['tool_name'] ?? source['name'];
  const named = source['operation'] ?? source['op'] ?? source['method'];
  const operation = operations.find(tool, named);
  if (operation === null) return null;
  const given = source['params'] ?? source['parameters'] ?? source['arguments'] ?? source['args'];
  const params = parseModelParams(operation, parseEmbeddedParams(given));
  return params === null ? null : { tool: operation.tool, operation: operation.operation, params };
}

function parseCalls(fields: JsonObject, operations: OperationTable): ToolCall[] {
  const list = [fields['calls'], fields['tool_calls'], fields['tools']].find(Array.isArray);
  const values: unknown[] = list ?? [isJsonObject(fields['tool']) ? fields['tool'] : fields];
  const calls = values.slice(0, callsMax).map((value) => parseCall(value, operations));
  // An invalid call invalidates all: a part of the plan would look like the whole.
  return calls.includes(null) ? [] : calls.filter((call) => call !== null);
}

function parseAction(fields: JsonObject): Action | null {
  const spelled = fields['action'] ?? fields['type'];
  if (typeof spelled !== 'string') return null;
  const name = spelled
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
  return Object.hasOwn(actions, name) ? (actions[name] ?? null) : null;
}

function toResponse(
  action: 'direct' | 'clarify',
  value: unknown,
  at: Parse,
): Classification | null {
  const response = flattenText(value);
  if (response === undefined) return action === 'direct' ? { action } : null;
  if (!looksLikeClassification.test(response)) return { action, response };
  // The model wrapped its answer twice, or answered in JSON: unwrap it, or have the answer written again.
  return parseCandidates(response, deeper(at)) ?? { action: 'direct' };
}

function parseObject(value: JsonObject, at: Parse): Classification | null {
  const fields = lowerKeys(value);
  const action = parseAction(fields);
  const response = fields['response'] ?? fields['reply'] ?? fields['answer'];
  if (action === 'tools' || (action === null && 'operation' in fields)) {
    const calls = parseCalls(fields, at.operations);
    return calls.length > 0 ? { action: 'tools', calls } : null;
  }
  if (action === 'system_status') return { action };
  if (action === 'route') {
    const prompt = flattenText(fields['prompt']);
    const clean = prompt !== undefined && !looksLikeClassification.test(prompt);
    return { action, ...(clean ? { prompt } : {}) };
  }
  if (action !== null) {
    return toResponse(action, response ?? fields['question'] ?? fields['message'], at);
  }
  // The action is missing or unknown: the answer still counts.
  return flattenText(response) === undefined ? null : toResponse('direct', response, at);
}

function parseValue(value: unknown, at: Parse): Classification | null {
  if (typeof value === 'string') {
    const name = value.trim().toLowerCase();
    return name === 'direct' || name === 'system_status' || name === 'route'
      ? { action: name }
      : null;
  }
  if (isJsonObject(value)) return parseObject(value, at);
  if (!Array.isArray(value) || at.depth > nestingMax) return null;
  const parsed = value
    .slice(0, callsMax)
    .map((item) => (isJsonObject(item) ? parseObject(item, deeper(at)) : null));
  const calls = parsed.flatMap((item) => item?.calls ?? []);
  if (calls.length > 0) {
    return parsed.every((item) => item?.action === 'tools') ? { action: 'tools', calls } : null;
  }
  return parsed.find((item) => item !== null) ?? null;
}

function parseCandidates(text: string, at: Parse): Classification | null {
  if (at.depth > nestingMax) return null;
  for (const value of extractJsonValues(text)) {
    const parsed = parseValue(value, at);
    if (parsed !== null) return parsed;
  }
  return null;
}

/** Whether an object is a classification: it has a known action, a `response` text or an `operation`. */
export function isClassification(value: Record<string, unknown>): boolean {
  const fields = lowerKeys(value);
  return (
    parseAction(fields) !== null || typeof fields['response'] === 'string' || 'operation' in fields
  );
}

/** Prose without JSON is the answer itself; unreadable JSON is no answer. */
function parseProse(text: string): Classification | null {
  const shown = cleanText(text).trim();
  const bare = shown.replace(/```[a-z]*|~~~[a-z]*|`/gi, '').trim();
  if (
    !/[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(bare) ||
    /^(?:null|true|false|undefined|json)$/i.test(bare)
  ) {
    return null;
  }
  if (looksLikeClassification.test(shown)) return null;
  // Code in a code fence is an answer; a bare brace or bracket at the front is broken JSON.
  if (/^[^\p{L}\p{N}]*[{[]/u.test(shown.replace(/^```[a-z]+\s[^]*/i, ''))) return null;
  return { action: 'direct', response: shown };
}

/** Finds operations by the names that printed calls use: `calendar.search`, `email`. */
const printedNames = (operations: OperationTable): OfferedTools => ({
  names: operations.offered.map(({ tool, operation }) => `${tool}.${operation}`),
  find(name) {
    const found = operations.find(bareName(name), undefined);
    return found === null ? null : { name: `${found.tool}.${found.operation}` };
  },
});

/** A tool call that the model printed in place of the object, in any known format. */
function classificationOfPrintedCalls(
  text: string,
  operations: OperationTable,
): Classification | 'unknown' | null {
  const offers = printedNames(operations);
  const { calls, before } = parsePrintedCalls(text, { offers, unknown: 'call' });
  if (calls.length === 0) return null;
  const parsed = calls
    .slice(0, callsMax)
    .map(({ name, arguments: args }) => parseCall({ name, arguments: args }, operations));
  if (!parsed.includes(null))
    return { action: 'tools', calls: parsed.filter((call) => call !== null) };
  return before.trim() === '' ? 'unknown' : null;
}

/**
 * Parses the classifier's output. Null if it is unreadable (broken, empty, an unknown tool, or an operation that needs
 * consent): ask once more with `repairMessages`, then continue as `direct` without a response.
 */
export function parseClassification(
  raw: string,
  operations: OperationTable,
): Classification | null {
  const text = stripReasoning(cleanText(raw));
  if (text === '') return null;
  const values = parseCandidates(text, { operations, depth: 0 });
  if (values !== null) return values;
  // With the special tokens: they mark the beginning of a call.
  const printed = classificationOfPrintedCalls(cleanText(raw), operations);
  if (printed !== null) return printed === 'unknown' ? null : printed;
  return parseProse(text);
}
