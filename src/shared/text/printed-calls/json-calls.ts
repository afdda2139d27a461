/** Tool calls written as JSON: every pair of keys that models use for the name and the arguments. */
import {
  findBalancedEnd,
  isJsonObject,
  lowerKeys,
  tryParseJson,
  tryRepairJson,
  type JsonObject,
} from '../json-text.ts';
import {
  argumentNames,
  unnamedArguments,
  type OfferedTools,
  createPrintedCall,
  type PrintedCall,
} from './offered-tools.ts';

const keys = (text: string): string[] => text.split(' ');
const nameKeys = keys(
  'name tool_name function_name recipient_name toolname tool function func action',
);
const argumentKeys = keys(
  'arguments parameters args params action_input tool_input tool_args function_args input kwargs',
);
const listKeys = keys('tool_calls function_calls tool_uses calls actions');
const wrapperKeys = keys('tool_call function_call functioncall toolcall call');
const besideKeys = keys('id type index call_id tool_call_id thought thoughts reasoning');

/** Every key with which the object of a call may begin. */
export const callKeys: ReadonlySet<string> = new Set(
  [nameKeys, argumentKeys, listKeys, wrapperKeys, besideKeys, ['role', 'content']].flat(),
);

export interface ParsedJson {
  value: unknown;
  /** The source text of the value, unchanged. */
  raw: string;
  end: number;
  isOpen: boolean;
}

/** Ends a value whose brackets never close: the closing markup of a call, a fence, the next call. */
const closing =
  /<\/[^<>\n]{1,60}>|<[|｜][^<>\n"]{1,60}[|｜]>|<\w+\|>|<end_function_call>|\[END_TOOL_REQUEST\]|\n```|\n<tool_call>/;

/** Gemma quotes strings with a special token. */
const quoteGemmaStrings = (text: string): string =>
  text.replace(/(<\|"\|>|<escape>)([\s\S]*?)\1/g, (_, _mark, inner: string) =>
    JSON.stringify(inner),
  );

function parseLenientJson(text: string): unknown {
  const strict = tryParseJson(text);
  return strict === undefined ? tryRepairJson(quoteGemmaStrings(text)) : strict;
}

/** The object or list at `start`, repaired if a model wrote it almost correctly. Null for any other text. */
export function parseJsonAt(text: string, start: number): ParsedJson | null {
  const end = findBalancedEnd(text, start);
  if (end > 0) {
    const raw = text.slice(start, end);
    const value = parseLenientJson(raw);
    if (value !== undefined) return { value, raw, end, isOpen: false };
    // {{"name": …}}: the braces of a template around the object.
    return text[start + 1] === '{' && text[start] === '{' ? parseJsonAt(text, start + 1) : null;
  }
  const close = closing.exec(text.slice(start));
  const raw = close ? text.slice(start, start + close.index) : text.slice(start);
  const value = parseLenientJson(raw.trimEnd());
  if (value === undefined) return null;
  return { value, raw, end: start + raw.length, isOpen: close === null };
}

const firstOf = (fields: JsonObject, keys: readonly string[]): string | undefined =>
  keys.find((key) => fields[key] !== undefined);

/** A tool's definition, which some models repeat, has a schema where a call has its arguments. */
const isSchema = (value: unknown): boolean =>
  isJsonObject(value) && value['type'] === 'object' && isJsonObject(value['properties']);

export interface JsonCallOptions {
  offers: OfferedTools;
  /** Inside markup that is used for calls only: weaker evidence is enough for a call. */
  isMarked: boolean;
}

/** The call or calls that a value contains. Null for any other value. */
export function callsFromValue(value: unknown, options: JsonCallOptions): PrintedCall[] | null {
  if (Array.isArray(value)) {
    const calls = value.map((item) => (isJsonObject(item) ? callsFromValue(item, options) : null));
    return calls.length === 0 || calls.includes(null) ? null : calls.flatMap((each) => each!);
  }
  if (!isJsonObject(value)) return null;
  const fields = lowerKeys(value);
  const list = firstOf(fields, listKeys);
  if (list !== undefined && Array.isArray(fields[list]))
    return callsFromValue(fields[list], options);
  const wrapper = firstOf(fields, wrapperKeys);
  if (wrapper !== undefined && isJsonObject(fields[wrapper])) {
    return callsFromValue(fields[wrapper], options);
  }
  const inner = isJsonObject(fields['function']) ? lowerKeys(fields['function']) : fields;
  const call = callInFields(inner, options);
  return call === null ? null : [call];
}

function callInFields(
  fields: JsonObject,
  { offers, isMarked }: JsonCallOptions,
): PrintedCall | null {
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
    return createPrintedCall(name, argumentsText(given, name, offers), offers);
  }
  const tool = offers.find(name);
  if (tool === null)
    return isMarked && rest.length === 0 ? createPrintedCall(name, '{}', offers) : null;
  const known = argumentNames(tool);
  const isFlat = rest.length > 0 && (isMarked || rest.every(([key]) => known.includes(key)));
  if (!isFlat && !isMarked) return null;
  return createPrintedCall(name, Object.fromEntries(rest), offers);
}

/** Apertus: the key is the tool's name, the value its arguments. */
function keyedCall(fields: JsonObject, offers: OfferedTools): PrintedCall | null {
  const [[name, args] = [], ...others] = Object.entries(fields);
  if (name === undefined || others.length > 0 || !isJsonObject(args) || !offers.find(name))
    return null;
  return createPrintedCall(name, args, offers);
}

function argumentsText(given: unknown, name: string, offers: OfferedTools): string {
  if (given === null || given === '') return '{}';
  if (typeof given !== 'string') return JSON.stringify(given);
  const value = tryParseJson(given);
  if (isJsonObject(value)) return given;
  // Text that begins like an object is a broken object; anything else is a plain value.
  if (given.trimStart().startsWith('{')) return given;
  return JSON.stringify(unnamedArguments(offers.find(name), value ?? given));
}

/** The arguments of a truncated call as unparsed text, so that they are not mistaken for complete arguments. */
export function openArguments(raw: string): string {
  const key = new RegExp(`["'](?:${argumentKeys.join('|')})["']\\s*:\\s*`, 'i').exec(raw);
  return key ? raw.slice(key.index + key[0].length) : '{';
}
