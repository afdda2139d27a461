/** Calls without markup. They also occur in ordinary answers, so their position decides: see printed-calls.ts. */
import { matchAt } from '../json-text.ts';
import { callKeys, callsFromValue, parseJsonAt, openArguments } from './json-calls.ts';
import { markedCallsAt, markedOpening } from './marked-calls.ts';
import {
  unnamedArguments,
  type OfferedTools,
  oneCall,
  type ParsedCalls,
  type PrintedCall,
} from './offered-tools.ts';
import { pythonCallAt, pythonListAt } from './python-calls.ts';

export interface ParsedPlainCalls extends ParsedCalls {
  /** Resembles ordinary text, so it counts only if the answer has no other text. */
  isWeak: boolean;
}

const fence = /(```|~~~)([\w-]*)[ \t]*\r?\n?/y;
/** Fence languages that models use for calls. */
const callLanguage =
  /^(?:|json[5c]?|tool[\w-]*|function[\w-]*|action|python|py|xml|html|text|plaintext)$/i;
const saysCall = /^(?:tool|function|action)/i;
const label =
  /(?:\*\*|#+ *)?(?:Action|Tool|Function|도구|행동|액션)(?: ?(?:Name|이름))?(?:\*\*)? *[:：](?:\*\*)?[ \t]*\n?[ \t]*/iy;
const inputLabel =
  /\s*(?:\*\*)?(?:(?:Action|Tool|Function|도구|행동|액션)[ _-]?)?(?:Input|Arguments|Args|Parameters|입력|인자)(?:\*\*)? *[:：](?:\*\*)?\s*/iy;
const languageLine = /(?:tool_code|tool_calls?|function_call|json)[ \t]*\r?\n\s*/iy;
const nameWord = /["'`*[]*([\p{L}_][\p{L}\p{N}_.-]{0,80})["'`*\]]*/uy;

const spaceEnd = (text: string, at: number): number => at + /^\s*/.exec(text.slice(at))![0].length;

function jsonCallsAt(
  text: string,
  start: number,
  offers: OfferedTools,
  isMarked: boolean,
): ParsedCalls | null {
  const calls: PrintedCall[] = [];
  let end = start;
  for (let at = start; text[at] === '{' || text[at] === '[';) {
    const json = parseJsonAt(text, at);
    // A truncated call may have only its name.
    const isLenient = isMarked || json?.isOpen === true;
    const inside = json && callsFromValue(json.value, { offers, isMarked: isLenient });
    if (!json || !inside) break;
    calls.push(...inside);
    if (json.isOpen) {
      calls.push({ ...calls.pop()!, arguments: openArguments(json.raw) });
      return { calls, end: text.length, isOpen: true };
    }
    ({ end } = json);
    end += /^(?:\s*<[|｜][\w▁]{1,40}[|｜]>)*/.exec(text.slice(end))![0].length;
    at = end + /^[\s,;]*/.exec(text.slice(end))![0].length;
  }
  return calls.length === 0 ? null : { calls, end, isOpen: false };
}

/** The content of a fence or of a line: JSON, or a list of Python calls. */
function bodyAt(
  text: string,
  start: number,
  offers: OfferedTools,
  isMarked: boolean,
): ParsedCalls | null {
  const char = text[start];
  if (char === '{') return jsonCallsAt(text, start, offers, isMarked);
  if (char !== '[') return null;
  return pythonListAt(text, start, offers) ?? jsonCallsAt(text, start, offers, isMarked);
}

function fencedAt(text: string, start: number, offers: OfferedTools): ParsedPlainCalls | null {
  const read = fencedCallsAt(text, start, offers);
  // A line of code is an example if the answer has other text.
  return (
    read && {
      ...read,
      isWeak: /^(?:```|~~~)(?:|python|py)\s+[^\s[{<]/i.test(text.slice(start, start + 40)),
    }
  );
}

function fencedCallsAt(text: string, start: number, offers: OfferedTools): ParsedCalls | null {
  const open = matchAt(fence, text, start);
  if (!open || !callLanguage.test(open[2]!)) return null;
  const isMarked = saysCall.test(open[2]!);
  let at = spaceEnd(text, start + open[0].length);
  at += matchAt(languageLine, text, at)?.[0].length ?? 0;
  const inside = bodyAt(text, at, offers, isMarked) ?? markedInFence(text, at, offers);
  const isCode = /^(?:|tool.*|python|py)$/i.test(open[2]!);
  const read = inside ?? (isCode ? pythonCallsAt(text, at, offers) : null);
  if (!read || read.isOpen) return read;
  const close = new RegExp(`^\\s*${open[1]!}`).exec(text.slice(read.end));
  if (close) return { ...read, end: read.end + close[0].length };
  // The closing fence was consumed with the end of the call, or the text ends before it.
  const isClosed = text.slice(start, read.end).trimEnd().endsWith(open[1]!);
  return isClosed || text.slice(read.end).trim() === '' ? read : null;
}

function markedInFence(text: string, at: number, offers: OfferedTools): ParsedCalls | null {
  return matchAt(markedOpening, text, at)?.index === at ? markedCallsAt(text, at, offers) : null;
}

/** Consecutive calls, each on a line of its own. */
function pythonCallsAt(text: string, start: number, offers: OfferedTools): ParsedCalls | null {
  const calls: PrintedCall[] = [];
  let end = start;
  for (let at = start; ; at = spaceEnd(text, end)) {
    const read = pythonCallAt(text, at, offers);
    if (!read) break;
    calls.push(...read.calls);
    ({ end } = read);
    if (read.isOpen) return { calls, end, isOpen: true };
  }
  return calls.length === 0 ? null : { calls, end, isOpen: false };
}

/** ReAct as text: `Action: search`, `Action Input: …`; Cohere's `Action:` with JSON. */
function actionAt(text: string, start: number, offers: OfferedTools): ParsedCalls | null {
  const open = matchAt(label, text, start);
  if (!open) return null;
  const at = start + open[0].length;
  const json = bodyAt(text, at, offers, true) ?? fencedAt(text, at, offers);
  if (json) return { ...json, end: observedEnd(text, json.end) };
  const named = matchAt(nameWord, text, at);
  if (!named) return null;
  const name = named[1]!;
  const python = pythonCallAt(text, at, offers);
  if (python) return { ...python, end: observedEnd(text, python.end) };
  const behind = at + named[0].length;
  const bracket = /^\[([^\]\n]*)\]/.exec(text.slice(at + name.length));
  const tool = offers.find(name);
  if (bracket) {
    const args = unnamedArguments(tool, bracket[1]!.trim());
    const end = observedEnd(text, at + name.length + bracket[0].length);
    return oneCall(name, args, offers, end);
  }
  const input = matchAt(inputLabel, text, behind);
  if (!input) {
    const isAlone = /^[ \t]*(?:\n|$)/.test(text.slice(behind));
    if (!isAlone || tool === null) return null;
    return oneCall(name, '{}', offers, observedEnd(text, behind));
  }
  return inputAt(text, behind + input[0].length, name, offers);
}

function inputAt(text: string, start: number, name: string, offers: OfferedTools): ParsedCalls {
  const open = matchAt(fence, text, start)?.[0].length ?? 0;
  const at = spaceEnd(text, start + open);
  const json = text[at] === '{' ? parseJsonAt(text, at) : null;
  if (json) {
    const args = json.isOpen ? json.raw : JSON.stringify(json.value);
    const close = /^\s*```/.exec(text.slice(json.end))?.[0].length ?? 0;
    const end = observedEnd(text, json.end + (open > 0 ? close : 0));
    return oneCall(name, args, offers, end, json.isOpen);
  }
  const line = /^[^\n]*/.exec(text.slice(at))![0];
  const value = line.trim().replace(/^(["'])(.*)\1$/, '$2');
  const args = value === '' || value === 'None' ? {} : unnamedArguments(offers.find(name), value);
  const end = observedEnd(text, at + line.length);
  return oneCall(name, args, offers, end);
}

/** An observation that the model invented, and everything after it, belongs to the call. */
function observedEnd(text: string, end: number): number {
  return /^\s*(?:\*\*)?(?:Observation|관찰|관측)(?:\*\*)? *[:：]/i.test(text.slice(end))
    ? text.length
    : end;
}

/** `search(query="…")` or `search {"query": "…"}` with nothing around it. */
function bareNameAt(text: string, start: number, offers: OfferedTools): ParsedCalls | null {
  const python = pythonCallsAt(text, start, offers);
  if (python) return python;
  const named = matchAt(nameWord, text, start);
  if (!named || offers.find(named[1]!) === null) return null;
  const at = spaceEnd(text, start + named[0].length);
  const json = text[at] === '{' ? parseJsonAt(text, at) : null;
  if (!json) return null;
  const args = json.isOpen ? json.raw : JSON.stringify(json.value);
  return oneCall(named[1]!, args, offers, json.end, json.isOpen);
}

/** The calls at `start`, the beginning of a line. Null when there are none. */
export function plainCallsAt(
  text: string,
  start: number,
  offers: OfferedTools,
): ParsedPlainCalls | null {
  const line = start + (matchAt(languageLine, text, start)?.[0].length ?? 0);
  const fenced = fencedAt(text, start, offers);
  if (fenced) return fenced;
  const read =
    bodyAt(text, line, offers, line > start) ??
    (line > start ? pythonCallsAt(text, line, offers) : null) ??
    actionAt(text, start, offers);
  if (read) return { ...read, isWeak: false };
  const bare = bareNameAt(text, start, offers);
  return bare && { ...bare, isWeak: true };
}

/** What may precede such a call at the beginning of a line. */
const start = /(?:```|~~~)[\w-]*\s*|(?:tool_code|tool_calls?|function_call|json)\s*\n\s*/iy;
const jsonStart = /[[{][\s[{]*(?:["']?([\w-]*)(["']?\s*[:=]?))?/y;
/** Text longer than this without the name of a call is not a call. */
const undecidedMax = 2_000;
const labelMax = 40;

/** Whether the text may still become a call: it is held back until then. False after 2,000 characters at the latest. */
export function mayBecomePlainCall(rest: string, offers: OfferedTools, isFirst: boolean): boolean {
  if (/^(?:`{1,3}|~{1,3})[\w-]{0,16}\s*$/.test(rest)) return true;
  const open = matchAt(fence, rest, 0);
  if (open && !callLanguage.test(open[2]!)) return false;
  const lead = matchAt(start, rest, 0)?.[0] ?? '';
  const body = rest.slice(lead.length);
  if (body === '') return true;
  if (body.startsWith('<') && lead !== '') return body.length < 400;
  if (/^[[{]/.test(body)) return mayBecomeJsonCall(body, offers);
  const names = offers.names.flatMap((name) => [
    `${name}(`,
    `print(${name}(`,
    `${name}{`,
    `${name} {`,
  ]);
  if (
    (isFirst || lead !== '') &&
    names.some((name) => name.startsWith(body) || body.startsWith(name))
  )
    return body.length < undecidedMax;
  if (lead !== '') return /^(?:print\s*\(\s*)?[\w.]{0,80}\(?$/.test(body);
  return beginsAction(rest, offers);
}

function mayBecomeJsonCall(body: string, offers: OfferedTools): boolean {
  if (body.length > undecidedMax) return false;
  const found = matchAt(jsonStart, body, 0);
  const key = found?.[1] ?? '';
  if (found && found[0].length === body.length && !found[2]) {
    if (!body.includes('{') && /^\[\s*[\w.-]+$/.test(body)) {
      return offers.names.some((name) => name.startsWith(key));
    }
    return [...callKeys].some((each) => each.startsWith(key.toLowerCase()));
  }
  if (/^\[\s*[\w.-]+\s*\(/.test(body))
    return offers.find(/^\[\s*([\w.-]+)/.exec(body)![1]!) !== null;
  return callKeys.has(key.toLowerCase()) && body.includes('{');
}

/** Whether the line names a tool after `Action:`, or may still do so. */
export function beginsAction(rest: string, offers: OfferedTools): boolean {
  if (/^[*#]{1,3} *$/.test(rest)) return true;
  const open = matchAt(label, rest, 0);
  if (!open) {
    const bare = rest.replace(/^(?:\*\*|#+ *)/, '').toLowerCase();
    return ['action:', 'tool:', 'function:', 'tool_code', 'tool_call', '도구:', '행동:'].some(
      (each) => each.startsWith(bare) || bare === '',
    );
  }
  const behind = rest.slice(open[0].length);
  if (behind.length < labelMax && /^["'`*]*[\p{L}\p{N}_.-]*$/u.test(behind)) return true;
  if (/^[`{[]/.test(behind)) return behind.length < undecidedMax;
  const name = /^["'`*]*([\p{L}\p{N}_.-]+)/u.exec(behind)?.[1];
  return name !== undefined && offers.find(name) !== null;
}
