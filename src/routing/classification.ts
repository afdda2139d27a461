/**
 * Reads the raw output of the classifier model. Models answer with JSON in fences, behind thoughts, broken,
 * twice, in arrays, in prose, or with prose only; all of it is read as far as it can be understood.
 *
 * Invariants:
 * C1 never throws, for any text.
 * C2 no response ever holds the JSON of a classification or a thought: a person never sees them.
 * C3 `create_confirmed` is never accepted from a model, nor any tool or operation that is not in the table.
 * C4 null means unreadable: ask once more, then treat it as `direct`.
 */
import type { Action, ToolCall } from '../../machines/decision.ts';
import { bareName, type OfferedTools } from '../lib/printed-calls/offered-tools.ts';
import { readPrintedCalls } from '../lib/printed-calls/printed-calls.ts';
import { jsonValues, withoutThoughts } from './model-json.ts';
import { composedText } from './plain-text.ts';
import { modelOperations, operationName, readParams } from './tool-params.ts';

export interface Classification {
  action: Action;
  /** The answer (`direct`) or the question back (`clarify`); absent when the model gave none. */
  response?: string;
  /** The model's own wording of the question, with `route`; for display only. */
  prompt?: string;
  /** With `tools`; at least one. */
  calls?: ToolCall[];
}

const actions: Record<string, Action> = {
  direct: 'direct',
  answer: 'direct',
  reply: 'direct',
  respond: 'direct',
  chat: 'direct',
  route: 'route',
  reason: 'route',
  reasoner: 'route',
  clarify: 'clarify',
  ask: 'clarify',
  question: 'clarify',
  tools: 'tools',
  tool: 'tools',
  tool_call: 'tools',
  system_status: 'system_status',
  status: 'system_status',
};

/** More calls than this in one answer are a loop, not a plan. */
const callsMax = 5;
const nestingMax = 3;

/** A classification's JSON, whole or torn, however it is quoted. */
const looksLikeClassification = new RegExp(
  [
    // {"action", { 'response', {\"tool\" with or without what follows: it may have been cut off
    String.raw`\{\s*\\*["'“”‘’\u0060]?\s*(?:action|response|operation|tool|params)(?![\p{L}\p{N}])`,
    // a later key of it
    String.raw`[[,]\s*\\*["'“”]\s*(?:action|response|operation|params)\s*\\*["'“”]\s*[:=,]`,
    // cut inside the first key
    String.raw`\{\s*\\*["'“][a-z_]*\s*$`,
    String.raw`^[^\p{L}\p{N}]*action[^\p{L}\p{N}]*[:=]`,
    'create_confirmed|create_draft',
  ].join('|'),
  'iu',
);

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keys in lower case; of keys that differ only in case the last counts, as with doubled keys in JSON. */
const lowerKeys = (value: Fields): Fields =>
  Object.fromEntries(Object.entries(value).map(([key, item]) => [key.trim().toLowerCase(), item]));

/** Text for a person, or undefined. Objects are looked into: {"text": "…"} is an answer, too. */
function textOf(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') {
    const text = composedText(withoutThoughts(value)).trim();
    return text === '' ? undefined : text;
  }
  if (depth >= nestingMax) return undefined;
  if (Array.isArray(value)) {
    const parts = value.map((item) => textOf(item, depth + 1)).filter((part) => part !== undefined);
    return parts.length > 0 ? parts.join('\n') : undefined;
  }
  if (!isFields(value)) return undefined;
  const fields = lowerKeys(value);
  const known = ['text', 'response', 'content', 'message', 'answer'].find((key) => key in fields);
  return known === undefined ? undefined : textOf(fields[known], depth + 1);
}

const parsedParams = (value: unknown): unknown => {
  if (typeof value !== 'string') return value;
  for (const inner of jsonValues(value)) return isFields(inner) ? inner : {};
  return {};
};

/** One call from a tool's name, an operation and parameters; OpenAI's shape too. */
function readCall(value: unknown): ToolCall | null {
  if (!isFields(value)) return null;
  const fields = lowerKeys(value);
  const source = isFields(fields['function']) ? lowerKeys(fields['function']) : fields;
  const tool = source['tool'] ?? source['tool_name'] ?? source['name'];
  const name = operationName(tool, source['operation'] ?? source['op'] ?? source['method']);
  if (name === null) return null;
  const given = source['params'] ?? source['parameters'] ?? source['arguments'] ?? source['args'];
  const params = readParams(name, parsedParams(given));
  if (params === null) return null;
  const [toolName = '', operation = ''] = name.split('.');
  return { tool: toolName, operation, params };
}

function readCalls(fields: Fields): ToolCall[] {
  const list = [fields['calls'], fields['tool_calls'], fields['tools']].find(Array.isArray);
  const values: unknown[] = list ?? [isFields(fields['tool']) ? fields['tool'] : fields];
  const calls = values.slice(0, callsMax).map(readCall);
  // One that is not understood spoils the plan: half of it would look like all of it.
  return calls.includes(null) ? [] : calls.filter((call) => call !== null);
}

function actionOf(fields: Fields): Action | null {
  const spelled = fields['action'] ?? fields['type'];
  if (typeof spelled !== 'string') return null;
  const name = spelled
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
  return Object.hasOwn(actions, name) ? (actions[name] ?? null) : null;
}

function withResponse(
  action: 'direct' | 'clarify',
  value: unknown,
  depth: number,
): Classification | null {
  const response = textOf(value);
  if (response === undefined) return action === 'direct' ? { action } : null;
  if (!looksLikeClassification.test(response)) return { action, response };
  // The model wrapped its answer twice, or talks in JSON: unwrap, or let the answer be written anew.
  return readValues(response, depth + 1) ?? { action: 'direct' };
}

function readFields(value: Fields, depth: number): Classification | null {
  const fields = lowerKeys(value);
  const action = actionOf(fields);
  const response = fields['response'] ?? fields['reply'] ?? fields['answer'];
  if (action === 'tools' || (action === null && 'operation' in fields)) {
    const calls = readCalls(fields);
    return calls.length > 0 ? { action: 'tools', calls } : null;
  }
  if (action === 'system_status') return { action };
  if (action === 'route') {
    const prompt = textOf(fields['prompt']);
    const clean = prompt !== undefined && !looksLikeClassification.test(prompt);
    return { action, ...(clean ? { prompt } : {}) };
  }
  if (action !== null) {
    return withResponse(action, response ?? fields['question'] ?? fields['message'], depth);
  }
  // No action, or one that does not exist: the answer still counts.
  return textOf(response) === undefined ? null : withResponse('direct', response, depth);
}

function readValue(value: unknown, depth: number): Classification | null {
  if (typeof value === 'string') {
    const name = value.trim().toLowerCase();
    return name === 'direct' || name === 'system_status' || name === 'route'
      ? { action: name }
      : null;
  }
  if (isFields(value)) return readFields(value, depth);
  if (!Array.isArray(value) || depth > nestingMax) return null;
  const read = value
    .slice(0, callsMax)
    .map((item) => (isFields(item) ? readFields(item, depth + 1) : null));
  const calls = read.flatMap((item) => item?.calls ?? []);
  if (calls.length > 0) {
    return read.every((item) => item?.action === 'tools') ? { action: 'tools', calls } : null;
  }
  return read.find((item) => item !== null) ?? null;
}

function readValues(text: string, depth: number): Classification | null {
  if (depth > nestingMax) return null;
  for (const value of jsonValues(text)) {
    const read = readValue(value, depth);
    if (read !== null) return read;
  }
  return null;
}

/** Whether an object is one that a classifier answers with: it has an action of ours, or its answer in words. */
export function isClassification(value: Record<string, unknown>): boolean {
  const fields = lowerKeys(value);
  return (
    actionOf(fields) !== null || typeof fields['response'] === 'string' || 'operation' in fields
  );
}

/** Prose without JSON is the answer itself; JSON that could not be read is none. */
function readProse(text: string): Classification | null {
  const shown = composedText(text).trim();
  const bare = shown.replace(/```[a-z]*|~~~[a-z]*|`/gi, '').trim();
  if (
    !/[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(bare) ||
    /^(?:null|true|false|undefined|json)$/i.test(bare)
  ) {
    return null;
  }
  if (looksLikeClassification.test(shown)) return null;
  // Code in a fence is an answer; a bare brace or bracket at the front is a failed JSON.
  if (/^[^\p{L}\p{N}]*[{[]/u.test(shown.replace(/^```[a-z]+\s[^]*/i, ''))) return null;
  return { action: 'direct', response: shown };
}

/** The operations by the names that calls have: `calendar.search`, `email`. */
const operations: OfferedTools = {
  names: modelOperations,
  find(name) {
    const operation = operationName(bareName(name), undefined);
    return operation === null ? null : { name: operation };
  },
};

/** A call that was printed in place of the object, in any of the forms that models have for one. */
function readPrinted(text: string): Classification | 'unknown' | null {
  const { calls, before } = readPrintedCalls(text, { offers: operations, unknown: 'call' });
  if (calls.length === 0) return null;
  const values = calls
    .slice(0, callsMax)
    .map(({ name, arguments: args }) => ({ name, arguments: args }));
  const read = values.map(readCall);
  if (!read.includes(null)) return { action: 'tools', calls: read.filter((call) => call !== null) };
  return before.trim() === '' ? 'unknown' : null;
}

/**
 * Reads what the classifier wrote.
 * @returns null when it cannot be understood (broken beyond repair, empty, an unknown tool or one that needs
 * consent): ask once more with `reaskMessages`, then go on as `direct` without a response.
 */
export function readClassification(raw: string): Classification | null {
  const text = withoutThoughts(composedText(raw));
  if (text === '') return null;
  const values = readValues(text, 0);
  if (values !== null) return values;
  // With its tokens: they say where a call begins.
  const printed = readPrinted(composedText(raw));
  if (printed !== null) return printed === 'unknown' ? null : printed;
  return readProse(text);
}
