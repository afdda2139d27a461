/** Calls written as Python: `search(query="…")`, alone, in a list, or inside `print`. */
import { matchAt, tryParseJson, tryRepairJson } from '../json-text.ts';
import {
  argumentNames,
  unnamedArguments,
  type OfferedTools,
  oneCall,
  type ParsedCalls,
} from './offered-tools.ts';

const beginning = /(?:print\s*\(\s*)?(?:await\s+)?([\p{L}_][\p{L}\p{N}_.-]*)\s*\(/uy;

/** The index of the bracket that closes the one before `start`, past Python strings. -1 when it never closes. */
function bracketEnd(text: string, start: number): number {
  let depth = 1;
  let quote: string | null = null;
  for (let at = start; at < text.length; at += 1) {
    const char = text[at]!;
    if (quote !== null) {
      if (char === '\\') at += 1;
      else if (text.startsWith(quote, at)) {
        at += quote.length - 1;
        quote = null;
      }
    } else if (char === '"' || char === "'") {
      quote = text.startsWith(char.repeat(3), at) ? char.repeat(3) : char;
      at += quote.length - 1;
    } else if ('([{'.includes(char)) depth += 1;
    else if (')]}'.includes(char) && --depth === 0) return at;
  }
  return -1;
}

/** Splits at the commas outside brackets and strings. */
function partsOf(body: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < body.length; at += 1) {
    const char = body[at]!;
    if ('([{'.includes(char)) at = endOr(body, bracketEnd(body, at + 1));
    else if (char === '"' || char === "'") at = stringEnd(body, at);
    else if (char === ',') {
      parts.push(body.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, body.slice(from)].filter((part) => part.trim() !== '');
}

const endOr = (body: string, end: number): number => (end < 0 ? body.length : end);

function stringEnd(body: string, start: number): number {
  const char = body[start]!;
  const quote = body.startsWith(char.repeat(3), start) ? char.repeat(3) : char;
  for (let at = start + quote.length; at < body.length; at += 1) {
    if (body[at] === '\\') at += 1;
    else if (body.startsWith(quote, at)) return at + quote.length - 1;
  }
  return body.length;
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\n': '' };

function valueOf(source: string): unknown {
  const text = source.trim();
  if (/^(?:True|False|None)$/.test(text)) return { True: true, False: false, None: null }[text];
  const string = /^[fbu]?("""|'''|"|')([\s\S]*)\1$/i.exec(text);
  if (string) {
    return string[2]!
      .replace(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
      .replace(/\\([\s\S])/g, (_, char: string) => escapes[char] ?? char);
  }
  const strict = tryParseJson(text);
  if (strict !== undefined) return strict;
  return tryRepairJson(text) ?? text;
}

function argumentsOf(body: string, name: string, offers: OfferedTools): object {
  const tool = offers.find(name);
  const names = argumentNames(tool);
  const args: Record<string, unknown> = {};
  for (const [at, part] of partsOf(body).entries()) {
    const named = /^\s*([\p{L}_][\p{L}\p{N}_]*)\s*=(?!=)([\s\S]*)$/u.exec(part);
    if (named) args[named[1]!] = valueOf(named[2]!);
    else {
      const value = valueOf(part);
      const name = names[at];
      Object.assign(
        args,
        name === undefined || at === 0 ? unnamedArguments(tool, value) : { [name]: value },
      );
    }
  }
  return args;
}

/** The call at `start`. Null when there is none. */
export function pythonCallAt(
  text: string,
  start: number,
  offers: OfferedTools,
): ParsedCalls | null {
  const found = matchAt(beginning, text, start);
  if (!found) return null;
  const from = start + found[0].length;
  const close = bracketEnd(text, from);
  const name = found[1]!;
  if (close < 0) {
    if (text.slice(from).trim() === '') return null;
    // Incomplete: an unclosed bracket keeps it from passing for complete arguments.
    return oneCall(name, '{', offers, text.length, true);
  }
  const isPrinted = found[0].startsWith('print');
  const end =
    isPrinted && /^\s*\)/.test(text.slice(close + 1)) ? text.indexOf(')', close + 1) : close;
  return oneCall(name, argumentsOf(text.slice(from, close), name, offers), offers, end + 1);
}

/** `[f(a=1), g()]` at `start`. Null when there is none. */
export function pythonListAt(
  text: string,
  start: number,
  offers: OfferedTools,
): ParsedCalls | null {
  const calls: ParsedCalls['calls'] = [];
  let at = start + 1;
  for (;;) {
    at += /^\s*/.exec(text.slice(at))![0].length;
    const read = pythonCallAt(text, at, offers);
    if (!read) return null;
    calls.push(...read.calls);
    at = read.end;
    const next = /^\s*(?:(,)|(\])|$)/.exec(text.slice(at));
    if (read.isOpen || (next && !next[1] && !next[2])) {
      return { calls, end: text.length, isOpen: true };
    }
    if (!next) return null;
    at += next[0].length;
    if (next[2]) return { calls, end: at, isOpen: false };
  }
}
