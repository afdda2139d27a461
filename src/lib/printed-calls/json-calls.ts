/** Calls that are written as JSON: every pair of names that models use for a name and its arguments. */
import { balancedEnd, isFields, parsedJson, repairedJson, type Fields } from '../json-text.ts';
import { argumentNames, unnamedArguments, type OfferedTools } from './offered-tools.ts';
import { printedCall, type PrintedCall } from './printed-call.ts';

const nameKeys = [
  'name',
  'tool_name',
  'function_name',
  'recipient_name',
  'toolname',
  'tool',
  'function',
  'func',
  'action',
];
const argumentKeys = [
  'arguments',
  'parameters',
  'args',
  'params',
  'action_input',
  'tool_input',
  'tool_args',
  'function_args',
  'input',
  'kwargs',
];
const listKeys = ['tool_calls', 'function_calls', 'tool_uses', 'calls', 'actions'];
const wrapperKeys = ['tool_call', 'function_call', 'functioncall', 'toolcall', 'call'];
/** May stand beside a call without making it something else. */
const besideKeys = [
  'id',
  'type',
  'index',
  'call_id',
  'tool_call_id',
  'thought',
  'thoughts',
  'reasoning',
];

/** Every key with which an object may begin that is a call. */
export const callKeys: ReadonlySet<string> = new Set(
  [nameKeys, argumentKeys, listKeys, wrapperKeys, besideKeys, ['role', 'content']].flat(),
);

export interface JsonRead {
  value: unknown;
  /** Its text, as it stands. */
  raw: string;
  end: number;
  /** The text ended inside of the value. */
  isOpen: boolean;
}

/** What ends a value whose brackets do not: the closing markup of a call, a fence, the next call. */
const closing =
  /<\/[^<>\n]{1,60}>|<[|｜][^<>\n"]{1,60}[|｜]>|<\w+\|>|<end_function_call>|\[END_TOOL_REQUEST\]|\n```|\n<tool_call>/;

/** Gemma quotes text with a token of its own. */
const quoted = (text: string): string =>
  text.replace(/(<\|"\|>|<escape>)([\s\S]*?)\1/g, (_, _mark, inner: string) =>
    JSON.stringify(inner),
  );

function lenient(text: string): unknown {
  const strict = parsedJson(text);
  return strict === undefined ? repairedJson(quoted(text)) : strict;
}

/** The object or list at `start`, repaired where a model wrote it almost right. Null when it is none. */
export function jsonAt(text: string, start: number): JsonRead | null {
  const end = balancedEnd(text, start);
  if (end > 0) {
    const raw = text.slice(start, end);
    const value = lenient(raw);
    if (value !== undefined) return { value, raw, end, isOpen: false };
    // {{"name": …}}: a template's braces around the object.
    return text[start + 1] === '{' && text[start] === '{' ? jsonAt(text, start + 1) : null;
  }
  const close = closing.exec(text.slice(start));
  const raw = close ? text.slice(start, start + close.index) : text.slice(start);
  const value = lenient(raw.trimEnd());
  if (value === undefined) return null;
  return { value, raw, end: start + raw.length, isOpen: close === null };
}

const lowerKeys = (value: Fields): Fields =>
  Object.fromEntries(Object.entries(value).map(([key, item]) => [key.trim().toLowerCase(), item]));

const firstOf = (fields: Fields, keys: readonly string[]): string | undefined =>
  keys.find((key) => fields[key] !== undefined);

/** A tool's definition, which some models repeat, has a schema where a call has arguments. */
const isSchema = (value: unknown): boolean =>
  isFields(value) && value['type'] === 'object' && isFields(value['properties']);

export interface JsonCallOptions {
  offers: OfferedTools;
  /** Inside of markup that is there for calls only: less has to be said for it to be one. */
  isMarked: boolean;
}

/** The calls that a value is, one or several. Null when it is anything else. */
export function callsInValue(value: unknown, options: JsonCallOptions): PrintedCall[] | null {
  if (Array.isArray(value)) {
    const calls = value.map((item) => (isFields(item) ? callsInValue(item, options) : null));
    return calls.length === 0 || calls.includes(null) ? null : calls.flatMap((each) => each!);
  }
  if (!isFields(value)) return null;
  const fields = lowerKeys(value);
  const list = firstOf(fields, listKeys);
  if (list !== undefined && Array.isArray(fields[list])) return callsInValue(fields[list], options);
  const wrapper = firstOf(fields, wrapperKeys);
  if (wrapper !== undefined && isFields(fields[wrapper])) {
    return callsInValue(fields[wrapper], options);
  }
  const inner = isFields(fields['function']) ? lowerKeys(fields['function']) : fields;
  const call = callInFields(inner, options);
  return call === null ? null : [call];
}

function callInFields(fields: Fields, { offers, isMarked }: JsonCallOptions): PrintedCall | null {
  const nameKey = nameKeys.find((key) => typeof fields[key] === 'string');
  if (nameKey === undefined) return isMarked ? keyedCall(fields, offers) : null;
  const name = (fields[nameKey] as string).trim();
  if (name === '') return null;
  const argumentKey = firstOf(fields, argumentKeys);
  const rest = Object.entries(fields).filter(
    ([key]) => key !== nameKey && key !== argumentKey && !besideKeys.includes(key),
  );
  if (argumentKey !== undefined) {
    const given = fields[argumentKey];
    if (isSchema(given) || (rest.length > 0 && !isMarked)) return null;
    return printedCall(name, argumentsText(given, name, offers), offers);
  }
  const tool = offers.find(name);
  if (tool === null) return isMarked && rest.length === 0 ? printedCall(name, '{}', offers) : null;
  const known = argumentNames(tool);
  const isFlat = rest.length > 0 && (isMarked || rest.every(([key]) => known.includes(key)));
  if (!isFlat && !isMarked) return null;
  return printedCall(name, Object.fromEntries(rest), offers);
}

/** Apertus: the name is the key, its arguments the value. */
function keyedCall(fields: Fields, offers: OfferedTools): PrintedCall | null {
  const [[name, args] = [], ...others] = Object.entries(fields);
  if (name === undefined || others.length > 0 || !isFields(args) || !offers.find(name)) return null;
  return printedCall(name, args, offers);
}

function argumentsText(given: unknown, name: string, offers: OfferedTools): string {
  if (given === null || given === '') return '{}';
  if (typeof given !== 'string') return JSON.stringify(given);
  const value = parsedJson(given);
  if (isFields(value)) return given;
  // The beginning of an object is a broken one, anything else is a plain value.
  if (given.trimStart().startsWith('{')) return given;
  return JSON.stringify(unnamedArguments(offers.find(name), value ?? given));
}

/** The arguments of a call that was cut off, as they stand, so that they are not taken for whole. */
export function openArguments(raw: string): string {
  const key = new RegExp(`["'](?:${argumentKeys.join('|')})["']\\s*:\\s*`, 'i').exec(raw);
  return key ? raw.slice(key.index + key[0].length) : '{';
}
