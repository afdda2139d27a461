/** Calls with their arguments between tags: Qwen3-Coder, Claude, MiniMax, Step, Seed-OSS, DeepSeek's DSML, GLM. */
import { isJsonObject, matchAt } from '../json-text.ts';
import { parseJsonAt } from './json-calls.ts';
import {
  typedValue,
  unnamedArguments,
  type OfferedTools,
  oneCall,
  type ParsedCalls,
} from './offered-tools.ts';

/** `<function=search>`, `<invoke name="search">`, `<｜DSML｜invoke name="search">`, `<tool_call name="search">`. */
const namedTag =
  /<[^\s<>=/]*?(?:invoke|function|tool_call|toolcall|call_tool|tool_use|tool|call)(?:=|\s+(?:name|tool|function)\s*=\s*)["']?([^\s"'<>=/]+)["']?([^<>]*)>/iy;
const namedTagClose =
  /<\/[^<>\s]*(?:invoke|function|tool_call|toolcall|call_tool|tool_use|tool|call)[^<>]*>/i;
const parameter =
  /<[^<>\s=/]*?(?:parameter|param|argument|arg)(?:=|\s+(?:name|key)\s*=\s*)["']?([^"'<>\s]+)["']?[^<>]*>([\s\S]*?)(?:<\/[^<>\n]*?(?:parameter|param|argument|arg)[^<>\n]*>|(?=<[^<>\s=/]*?(?:parameter|param)(?:=|\s+name\s*=))|$)/gi;
const child = /<([\p{L}_][\p{L}\p{N}_-]*)>([\s\S]*?)<\/\1>/gu;
const attribute = /([\p{L}_][\p{L}\p{N}_-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/gu;
const pair =
  /<\w*arg_key>([\s\S]*?)<\/\w*arg_key>\s*<\w*arg_value>([\s\S]*?)(?:<\/\w*arg_value>|$)/g;

/** Templates put each value on separate lines. */
const stripOuterNewlines = (value: string): string =>
  value.replace(/^\r?\n/, '').replace(/\r?\n$/, '');

const collectArguments = (
  pairs: Iterable<readonly [key: string, value: string]>,
  name: string,
  offers: OfferedTools,
): Record<string, unknown> => {
  const tool = offers.find(name);
  const args: Record<string, unknown> = {};
  for (const [key, value] of pairs)
    args[key.trim()] = typedValue(tool, key.trim(), stripOuterNewlines(value));
  return args;
};

const pairsOf = (pattern: RegExp, body: string): [string, string][] =>
  [...body.matchAll(pattern)].map(([, key, first, second]) => [key!, first ?? second ?? '']);

/** The arguments in the body of a call: JSON, parameters, or one tag for each argument. */
function argumentsIn(body: string, name: string, offers: OfferedTools): object {
  const start = /^\s*(?:```\w*\s*)?/.exec(body)![0].length;
  const json = body[start] === '{' ? parseJsonAt(body, start) : null;
  if (json && isJsonObject(json.value)) return json.value;
  const named = pairsOf(parameter, body);
  if (named.length > 0) return collectArguments(named, name, offers);
  const children = pairsOf(child, body);
  if (children.length > 0) return collectArguments(children, name, offers);
  const text = body.trim();
  return text === '' ? {} : unnamedArguments(offers.find(name), text);
}

/** The last bracket is removed: a truncated call must not pass for a complete call. */
const asOpen = (args: object, isOpen: boolean): object | string =>
  isOpen ? JSON.stringify(args).slice(0, -1) : args;

/** The tag with the name of a tool at `start`, with its content. Null when there is none. */
export function namedTagAt(text: string, start: number, offers: OfferedTools): ParsedCalls | null {
  const found = matchAt(namedTag, text, start);
  if (!found) return null;
  const name = found[1]!;
  const from = start + found[0].length;
  if (found[2]!.trimEnd().endsWith('/')) {
    const args = collectArguments(pairsOf(attribute, found[2]!), name, offers);
    return oneCall(name, args, offers, from);
  }
  return enclosed(text, { name, from, close: namedTagClose }, offers);
}

/** `<search>…</search>`: the tag has the tool's own name. Null if the body holds no arguments. */
export function ownTagAt(text: string, start: number, offers: OfferedTools): ParsedCalls | null {
  const found =
    /^<([\p{L}_][\p{L}\p{N}_.-]*)((?:\s+[\p{L}_-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/u.exec(
      text.slice(start, start + 400),
    );
  if (!found || !offers.names.includes(found[1]!)) return null;
  const name = found[1]!;
  const from = start + found[0].length;
  if (found[3] === '/') {
    const args = collectArguments(pairsOf(attribute, found[2]!), name, offers);
    return oneCall(name, args, offers, from);
  }
  if (!/^\s*(?:\{|<[\p{L}_])/u.test(text.slice(from, from + 40))) return null;
  const close = new RegExp(`</${name.replace(/[.-]/g, '\\$&')}\\s*>`);
  return enclosed(text, { name, from, close }, offers);
}

function enclosed(
  text: string,
  { name, from, close }: { name: string; from: number; close: RegExp },
  offers: OfferedTools,
): ParsedCalls {
  const rest = text.slice(from);
  const found = close.exec(rest);
  // Some models omit the closing tag before the next call.
  const next = /<[^\s<>=/]*?(?:invoke|function)(?:=|\s+name\s*=)/i.exec(rest);
  const length = Math.min(found?.index ?? rest.length, next?.index ?? rest.length);
  const isOpen = found === null && next === null;
  const end = from + length + (found?.index === length ? found[0].length : 0);
  const args = asOpen(argumentsIn(rest.slice(0, length), name, offers), isOpen);
  return oneCall(name, args, offers, end, isOpen);
}

/** GLM: keys and values in pairs of tags after the name. `start` is at the first `<arg_key>`. */
export function pairsAt(
  text: string,
  start: number,
  name: string,
  offers: OfferedTools,
): ParsedCalls {
  const close = /<\/\w*tool_call>/.exec(text.slice(start));
  const body = text.slice(start, close ? start + close.index : undefined);
  const args = collectArguments(pairsOf(pair, body), name, offers);
  const isOpen = close === null && !/<\/\w*arg_value>\s*$/.test(body);
  return oneCall(name, asOpen(args, isOpen), offers, start + body.length, isOpen);
}

/** `<parameters><query>…</query></parameters>` at `start`. Null when there is none. */
export function childrenAt(
  text: string,
  start: number,
  name: string,
  offers: OfferedTools,
): ParsedCalls | null {
  const open = /^<(parameters|arguments|args|input)>(?=\s*<[\p{L}_])/u.exec(
    text.slice(start, start + 400),
  );
  if (!open) return null;
  const from = start + open[0].length;
  return enclosed(text, { name, from, close: new RegExp(`</${open[1]!}>`) }, offers);
}
