/**
 * Parses tool calls that a model printed into its text, in all their forms.
 *
 * 1. Only the name of an offered tool makes a call. Any other text, JSON and markup included, is the answer.
 * 2. Markup that is used for calls only counts at every position, except where code quotes it (`…`).
 * 3. JSON, fenced blocks, lists of Python calls and `Action:` count only at the beginning or the end of the text:
 *    between two sentences they are examples.
 * 4. With `unknown: 'call'`, text that has the form of a call, names another tool and ends the text is a call as well,
 *    and markup without a readable call is removed from the text.
 */
import { findBalancedEnd } from '../json-text.ts';
import { markedCallsAt, markedOpening } from './marked-calls.ts';
import type { OfferedTools, ParsedCalls, PrintedCall } from './offered-tools.ts';
import { beginsAction, mayBecomePlainCall, plainCallsAt } from './plain-calls.ts';

export interface PrintedCallOptions {
  offers: OfferedTools;
  /** How to treat a call of a tool that was not offered. */
  unknown: 'text' | 'call';
}

export interface PrintedCalls {
  calls: PrintedCall[];
  /** The text before the first call; the whole text if there is no call. */
  before: string;
  outside: string;
}

/** A text with more candidates than this is not an answer with calls. */
const candidatesMax = 400;
const callsMax = 64;
/** Repairing an unclosed value is the most expensive step, and only the last call of a text can be cut off. */
const unclosedMax = 5;
/** Markup without a name for this many characters is ordinary text about markup. */
const unnamedMax = 400;
/** No tag is longer. */
const tagCharsMax = 160;

interface Candidate {
  at: number;
  isMarked: boolean;
}

/** Positions where a call may begin. Lines without a sign of one are skipped, except the last of an incomplete text. */
function* candidates(text: string, from: number, offers: OfferedTools): Generator<Candidate> {
  const marked = markupOf(offers);
  const line = /(?:^|\n)[ \t]*(?=\S)/g;
  const nextTag = (after: number): number => {
    marked.lastIndex = after;
    return marked.exec(text)?.index ?? Infinity;
  };
  const nextLine = (after: number): number => {
    line.lastIndex = after;
    const found = line.exec(text);
    return found ? found.index + found[0].length : Infinity;
  };
  let tag = nextTag(from);
  let start = nextLine(text[from - 1] === '\n' ? from - 1 : from);
  for (let count = 0; count < candidatesMax && Math.min(tag, start) < Infinity; count += 1) {
    if (tag <= start) {
      yield { at: tag, isMarked: true };
      tag = nextTag(tag + 1);
    } else {
      const head = text.slice(start, start + lineHead);
      if (callSign.test(head) || start + lineHead > text.length)
        yield { at: start, isMarked: false };
      start = nextLine(start + 1);
    }
  }
}

const markups = new WeakMap<OfferedTools, RegExp>();

/** Openings of markup, and tags with a tool's name. Compiled once: every chunk of the stream is searched. */
function markupOf(offers: OfferedTools): RegExp {
  let markup = markups.get(offers);
  if (!markup) {
    const own = offers.names.map((name) => name.replace(/[^\p{L}\p{N}_]/gu, '\\$&')).join('|');
    markup = new RegExp(`${markedOpening.source}|<(?:${own || '(?!)'})[\\s/>]`, 'giu');
    markups.set(offers, markup);
  }
  return markup;
}

/** One of these characters occurs near the beginning of every call. */
const callSign = /[[{`~(<*#:：]/;
const lineHead = 90;

const isBlank = (text: string): boolean => text.trim() === '';

/** Whether the position is inside `code` or a fenced block. */
function quotedBy(text: string, at: number): 'code' | 'fence' | null {
  const before = text.slice(0, at);
  if ((before.match(/^[ \t]*(?:```|~~~)/gm)?.length ?? 0) % 2 === 1) return 'fence';
  const line = before.slice(before.lastIndexOf('\n') + 1).replace(/```/g, '');
  return (line.match(/`/g)?.length ?? 0) % 2 === 1 ? 'code' : null;
}

function countsAsCall(
  read: ParsedCalls & { isWeak?: boolean },
  isMarked: boolean,
  { isFirst, isLast, startsLine }: Record<'isFirst' | 'isLast' | 'startsLine', boolean>,
  unknown: PrintedCallOptions['unknown'],
): boolean {
  if (read.calls.some((call) => call.isOffered)) {
    if (isMarked) return true;
    return read.isWeak ? isFirst && isLast : isFirst || isLast;
  }
  return unknown === 'call' && !read.isWeak && isLast && startsLine;
}

const startsLine = (text: string, at: number): boolean =>
  at === 0 || isBlank(text.slice(text.lastIndexOf('\n', at - 1) + 1, at));

/** Markup of a broken or truncated call: no readable text follows its tag. */
const isUnreadable = (text: string, at: number): boolean =>
  startsLine(text, at) &&
  /^(?:<[^<>\n]{1,160}>|\[[A-Z_ ]+\])\s*(?:$|[{[<(]|[\w.:-]+\s*(?:$|[({[<\n]))/.test(
    text.slice(at),
  );

export function parsePrintedCalls(text: string, options: PrintedCallOptions): PrintedCalls {
  const { offers, unknown } = options;
  const calls: PrintedCall[] = [];
  const outside: string[] = [];
  let from = 0;
  let first: number | null = null;
  let unclosed = 0;
  for (const { at, isMarked } of candidates(text, 0, offers)) {
    if (at < from || calls.length >= callsMax || (isMarked && quotedBy(text, at) !== null))
      continue;
    const isBracket = !isMarked && /[[{]/.test(text.charAt(at));
    const isUnclosed = isBracket && findBalancedEnd(text, at) < 0;
    if (isUnclosed && unclosed >= unclosedMax) continue;
    const read = isMarked ? markedCallsAt(text, at, offers) : plainCallsAt(text, at, offers);
    if (!read) {
      if (isUnclosed) unclosed += 1;
      if (!isMarked || unknown === 'text' || !isUnreadable(text, at)) continue;
      outside.push(text.slice(from, at));
      return { calls, before: text.slice(0, first ?? at), outside: outside.join('') };
    }
    const position = {
      isFirst: isBlank(text.slice(from, at)) && (first !== null || from === 0),
      isLast: isBlank(text.slice(read.end)),
      startsLine: startsLine(text, at),
    };
    if (!countsAsCall(read, isMarked, position, unknown)) continue;
    calls.push(...read.calls);
    outside.push(text.slice(from, at));
    first ??= at;
    from = read.end;
  }
  outside.push(text.slice(from));
  return { calls, before: first === null ? text : text.slice(0, first), outside: outside.join('') };
}

/** A tag or token whose end has not arrived yet; also Harmony's and Kimi's openings, which span several tokens. */
const tagBegun =
  /(?:<\|(?:start|im_start)\|>[\w \n>/=.-]{0,80})?(?:<\|(?:channel|open)\|>[^<>{\n]{0,80})?(?:<[|｜/]?(?:[\p{L}｜|][^<>\n]*)?)?$/u;
/** Openings that are not tags. */
const openings = [
  '[TOOL_CALLS]',
  '[TOOL_REQUEST]',
  '[Calling tool:',
  '[Tool call:',
  'functools[',
  'to=functions.',
  'commentary to=functions.',
  'analysis to=functions.',
  'assistantcommentary to=functions.',
  'assistant to=functions.',
  'function call<|role_sep|>',
  '-> tool/function_call',
  '>>>',
];

/** The position where the end of the text may become an opening; the text's length if it cannot. */
function openingBegun(text: string, from: number): number {
  const tail = Math.max(from, text.length - tagCharsMax);
  const rest = text.slice(tail);
  let at = tail + (tagBegun.exec(rest)?.index ?? rest.length);
  for (const opening of openings) {
    for (let length = Math.min(opening.length, text.length - from); length > 0; length -= 1) {
      const start = text.length - length;
      if (start >= at || !text.endsWith(opening.slice(0, length))) continue;
      const isInWord = /^\w/.test(opening) && /[\p{L}\p{N}_]/u.test(text.charAt(start - 1));
      if (!isInWord) at = start;
      break;
    }
  }
  return at;
}

/** Nothing, or the beginning of a tag that closes the call. */
const mayBeLast = /^\s*(?:<[^<>\n]{0,80}|\[[A-Z_]{0,30}|`{1,3})?$/;

/** Whether it is a call or may become one with further text. */
function mayBecomeCall(
  text: string,
  { at, isMarked }: Candidate,
  { offers, unknown }: PrintedCallOptions,
): boolean {
  const length = text.length - at;
  if (isMarked && quotedBy(text, at) === 'code') return false;
  const read = isMarked ? markedCallsAt(text, at, offers) : plainCallsAt(text, at, offers);
  if (read) {
    const isLast = mayBeLast.test(text.slice(read.end));
    if (read.calls.some((call) => call.isOffered)) {
      const isPlaced = isMarked || isLast || isBlank(text.slice(0, at));
      return isPlaced || beginsAction(text.slice(at), offers);
    }
    return (read.isOpen && length < unnamedMax) || (unknown === 'call' && isLast);
  }
  if (isMarked) return length < unnamedMax;
  return mayBecomePlainCall(text.slice(at), offers, isBlank(text.slice(0, at)));
}

/** How much of an incomplete text may be shown: up to where a call may begin. `from`: the end of the shown text. */
export function safeTextEnd(text: string, from: number, options: PrintedCallOptions): number {
  for (const candidate of candidates(text, from, options.offers)) {
    if (candidate.at >= from && mayBecomeCall(text, candidate, options)) return candidate.at;
  }
  const begun = openingBegun(text, from);
  return quotedBy(text, begun) === 'code' ? text.length : begun;
}
