/**
 * Parses the dates and ranges of a message, Korean and English, without a model. Also combines single dates: 부터 … 까지,
 * tildes, lists, lengths after a start, and ranges with an open end.
 *
 * Invariants: the result depends on the text, `now` and `timeZone` only, never on the machine's time zone; never
 * throws, for any text; a date that does not exist is reported, never corrected.
 */
import { type CivilDay, type LocalNow, civilNow, isoDate } from '#shared/calendar/civil-date';
import {
  type DateContext,
  type DateErrorReason,
  type DatePattern,
  type DatePreference,
  type DateResolution,
  dateError,
  singleDay,
} from './date-pattern.ts';
import { englishDates } from '../english/english-dates.ts';
import { dateModifier } from './date-modifiers.ts';
import { koreanRelativeDates } from '../korean/korean-relative-dates.ts';
import { correctDateSpelling } from '../korean/korean-spelling.ts';
import { koreanWrittenDates } from '../korean/korean-written-dates.ts';
import { normalizeForRules } from '../normalize-text.ts';

/** Offsets in the normalised text (`normalizeForRules`); `end` is exclusive. */
export interface TextSpan {
  start: number;
  end: number;
}

export interface ParsedDates {
  ok: true;
  /** `YYYY-MM-DD`; first day of all dates. */
  from: string;
  /** `YYYY-MM-DD`; last day of all dates, inclusive. */
  to: string;
  /** The single dates or ranges, if several were listed. */
  ranges: { from: string; to: string }[];
  /** A window that ends or begins today (최근 3일, past week), with its length in days. */
  rolling?: { days: number };
  /** A single range with both ends, or with start and length, given. */
  joined?: true;
  spans: TextSpan[];
}

export interface DateError {
  ok: false;
  reason: DateErrorReason;
  /** The words that name no valid day. */
  text: string;
  spans: TextSpan[];
}

export type DateParseResult = ParsedDates | DateError;

export interface ParseDateOptions extends LocalNow {
  /** How a date without a year or month is resolved. Default `future`. */
  prefer?: DatePreference;
}

/** Days of a range with an open end (부터 …, since …): the length of a month view. */
const openEndDays = 30;
/** Longer texts are pasted text; later dates are ignored, and matching stays fast. */
const parseCharsMax = 2000;

interface DateMatch extends TextSpan {
  pattern: DatePattern;
  groups: Record<string, string | undefined>;
}

interface DateExpression extends TextSpan {
  resolved: DateResolution;
  match: DateMatch;
  /** Joined by 부터 … 까지, a tilde or a length: cannot be extended. */
  closed: boolean;
}

const koreanDates: readonly DatePattern[] = [...koreanWrittenDates, ...koreanRelativeDates];

/** The patterns for the scripts of the text; dates in digits are among the Korean patterns. */
function patternsFor(text: string): DatePattern[] {
  const korean = /[가-힣\d]/.test(text) ? koreanDates : [];
  return [...korean, ...(/[a-z]/.test(text) ? englishDates : [])];
}

/** All matches without overlaps: earlier matches first, then longer ones. */
function findMatches(text: string): DateMatch[] {
  const found: DateMatch[] = [];
  for (const pattern of patternsFor(text)) {
    for (const match of text.matchAll(pattern.regex)) {
      if (match[0] === '') continue;
      const end = match.index + match[0].length;
      found.push({ pattern, groups: match.groups ?? {}, start: match.index, end });
    }
  }
  found.sort((left, right) => left.start - right.start || right.end - left.end);
  const kept: DateMatch[] = [];
  let reached = 0;
  for (const atom of found) {
    if (atom.start < reached) continue;
    kept.push(atom);
    reached = atom.end;
  }
  return kept;
}

const betweenRange = /^\s*(?:부터|에서|~|-|to|through|thru|until|till)\s*(?:the\s*)?$/;
const betweenAnd = /^\s*and\s*(?:the\s*)?$/;
const betweenLength = /^\s*(?:부터)?\s*$/;
const beside = /^\s*(?:의|of|,|\()?\s*$/;
const sideBySide = /^\s*(?:의|of|\()?\s*$/;
const leadingWords =
  /(?:^|\s)(?:(?:on|by|in|since|until|till|from|between|before|after|during|at|starting|dated)\s+)+(?:the\s+)?$/;

const resolveMatch = (atom: DateMatch, context: DateContext): DateResolution | null =>
  atom.pattern.resolve(atom.groups, context);

/** The end of a range is the first such day from its start on. */
function resolveRange(
  start: DateMatch,
  end: DateMatch,
  context: DateContext,
): DateResolution | null {
  const attempt = (startContext: DateContext): DateResolution | null => {
    const first = resolveMatch(start, startContext);
    if (first === null || !first.ok) return first;
    const last = resolveMatch(
      end,
      end.pattern.floating ? { ...context, anchor: first.from } : context,
    );
    if (last === null || !last.ok) return last;
    return last.to < first.from ? null : { ok: true, from: first.from, to: last.to };
  };
  const floating = start.pattern.floating === true && end.pattern.floating === true;
  if (floating && context.prefer === 'future') {
    // 월요일부터 금요일까지, said on a Wednesday, means this week.
    const running = attempt({ ...context, prefer: 'past' });
    if (running?.ok && running.to >= context.today) return running;
  }
  return attempt(context);
}

const within = (inner: DateResolution, outer: DateResolution): boolean =>
  inner.ok && outer.ok && inner.from >= outer.from && inner.to <= outer.to;

/** 내년 크리스마스, Monday of next week: the longer period narrows the other date. */
function refine(outer: DateMatch, inner: DateMatch, context: DateContext): DateResolution | null {
  const outerRange = resolveMatch(outer, context);
  if (outerRange === null || !outerRange.ok || outerRange.from === outerRange.to) return null;
  const resolved = resolveMatch(inner, { ...context, anchor: outerRange.from });
  return resolved !== null && within(resolved, outerRange) ? resolved : null;
}

function combinePair(
  text: string,
  first: DateMatch,
  second: DateMatch,
  context: DateContext,
): DateExpression | null {
  const gap = text.slice(first.end, second.start);
  const span = { start: first.start, end: second.end, match: second };
  const andRange =
    betweenAnd.test(gap) && /between\s+(?:the\s+)?$/.test(text.slice(0, first.start));
  if (second.pattern.count && betweenLength.test(gap)) {
    const start = resolveMatch(first, context);
    if (start === null || !start.ok) return null;
    const to = start.from + second.pattern.count(second.groups) - 1;
    return { ...span, resolved: { ok: true, from: start.from, to }, closed: true };
  }
  if (betweenRange.test(gap) || andRange) {
    const resolved = resolveRange(first, second, context);
    return resolved === null ? null : { ...span, resolved, closed: true };
  }
  if (!beside.test(gap)) return null;
  const resolved = refine(first, second, context) ?? refine(second, first, context);
  return resolved === null ? null : { ...span, resolved, closed: false };
}

function combineMatches(text: string, atoms: DateMatch[], context: DateContext): DateExpression[] {
  const pieces: DateExpression[] = [];
  for (const [index, atom] of atoms.entries()) {
    // Combined with the atom before it.
    if (atom === pieces.at(-1)?.match) continue;
    const next = atoms[index + 1];
    const combined = next === undefined ? null : combinePair(text, atom, next, context);
    if (combined !== null) {
      pieces.push(combined);
      continue;
    }
    const resolved = resolveMatch(atom, context);
    if (resolved !== null) {
      pieces.push({ start: atom.start, end: atom.end, match: atom, resolved, closed: false });
    }
  }
  return pieces;
}

function openEndedFrom(day: CivilDay, context: DateContext): DateResolution {
  const past = context.prefer === 'past' || day < context.today;
  const to = past && day <= context.today ? context.today : day + openEndDays;
  return { ok: true, from: day, to };
}

function openStartedUntil(day: CivilDay, context: DateContext): DateResolution {
  const ahead = context.prefer === 'future' && day >= context.today;
  return { ok: true, from: ahead ? context.today : day - openEndDays, to: day };
}

/** 부터, 까지, since, until beside a single date; the span then includes these words. */
function applyOpenEnd(text: string, piece: DateExpression, context: DateContext): DateExpression {
  const after = /^\s*(부터|까지|이후|이전)(?:는|의|로|에|도|만)?/.exec(text.slice(piece.end));
  const before = leadingWords.exec(text.slice(0, piece.start));
  const start = before === null ? piece.start : piece.start - before[0].trimStart().length;
  const end = after === null ? piece.end : piece.end + after[0].length;
  const span = { ...piece, start, end };
  if (piece.closed || !piece.resolved.ok) return span;
  const { from, to } = piece.resolved;
  const word =
    after?.[1] ??
    before?.[0]
      .replace(/\sthe\s*$/, '')
      .trim()
      .split(/\s+/)
      .at(-1);
  // Before December, 12월 이전: which December, and whether it is included, is unclear.
  if (from !== to && (word === 'before' || word === 'after' || word === '이전')) {
    return { ...span, resolved: dateError('unclear') };
  }
  // "mail from Monday" means Monday only; "from Monday on" means an open end.
  const isOn =
    /^(?:from|starting)$/.test(word ?? '') && /^\s+(?:on|onwards?)\b/.test(text.slice(end));
  if (isOn || /^(?:부터|이후|since|after)$/.test(word ?? '')) {
    return { ...span, resolved: openEndedFrom(from, context) };
  }
  if (/^(?:까지|이전|until|till)$/.test(word ?? '')) {
    return { ...span, resolved: openStartedUntil(to, context) };
  }
  if (word === 'before') return { ...span, resolved: openStartedUntil(to - 1, context) };
  return span;
}

/** 크리스마스 다음날, the week of December 7: the words beside the date change it. */
function applyModifier(text: string, piece: DateExpression): DateExpression {
  const { resolved } = piece;
  if (!resolved.ok) return piece;
  const { days, start, end } = dateModifier(text, piece);
  if (days === 0) return piece;
  const sure = days !== null && resolved.from === resolved.to && !piece.closed;
  const day = resolved.from + (days ?? 0);
  return { ...piece, start, end, resolved: sure ? singleDay(day) : dateError('unclear') };
}

/** 2주 뒤 월요일, monday in two weeks: two adjacent dates of different kinds that cannot be combined. */
function conflicts(
  text: string,
  first: DateExpression,
  second: DateExpression | undefined,
): boolean {
  if (second === undefined || first.match.pattern.name === second.match.pattern.name) return false;
  if (!sideBySide.test(text.slice(first.end, second.start))) return false;
  return !within(first.resolved, second.resolved) && !within(second.resolved, first.resolved);
}

/** Parses text that is already normalised; spans are offsets in it. Null if it names no date. */
export function parseNormalizedDates(text: string, context: DateContext): DateParseResult | null {
  const clipped = correctDateSpelling(text.slice(0, parseCharsMax));
  const pieces = combineMatches(clipped, findMatches(clipped), context).map((piece) =>
    applyOpenEnd(clipped, applyModifier(clipped, piece), context),
  );
  const [first] = pieces;
  if (first === undefined) return null;
  const spans = pieces.map(({ start, end }) => ({ start, end }));
  const ranges: { from: CivilDay; to: CivilDay }[] = [];
  for (const [at, piece] of pieces.entries()) {
    const { resolved, start, end } = piece;
    const next = pieces[at + 1];
    const isUnclear = resolved.ok && next?.resolved.ok === true && conflicts(clipped, piece, next);
    if (!resolved.ok || isUnclear) {
      const reason = resolved.ok ? 'unclear' : resolved.reason;
      const till = isUnclear ? (next?.end ?? end) : end;
      return { ok: false, reason, text: clipped.slice(start, till).trim(), spans };
    }
    ranges.push(resolved);
  }
  const rolling = first.resolved.ok && pieces.length === 1 ? first.resolved.rolling : undefined;
  return {
    ok: true,
    from: isoDate(Math.min(...ranges.map((range) => range.from))),
    to: isoDate(Math.max(...ranges.map((range) => range.to))),
    ranges: ranges.map((range) => ({ from: isoDate(range.from), to: isoDate(range.to) })),
    ...(rolling === undefined ? {} : { rolling }),
    ...(first.closed && pieces.length === 1 ? { joined: true } : {}),
    spans,
  };
}

/**
 * The dates of a message; null if it names none, `ok: false` for a day that does not exist, a lunar date, a weekday
 * that does not match, or a day that is unclear because of the words beside it.
 */
export function parseDates(message: string, options: ParseDateOptions): DateParseResult | null {
  const { today } = civilNow(options.now, options.timeZone);
  return parseNormalizedDates(normalizeForRules(message), {
    today,
    prefer: options.prefer ?? 'future',
  });
}
