/**
 * Reads the dates and ranges of a message, Korean and English, without a model. It owns how single dates
 * join: 부터 … 까지, tildes, lists, lengths after a start, and what an open end means.
 *
 * Invariants: the answer depends on the text, `now` and `timeZone` only, never on the machine's zone; it
 * never throws for any text; a date that no calendar has is reported, never corrected.
 */
import { type CivilDay, civilNow, isoDate } from './civil-date.ts';
import {
  type DateContext,
  type DateFaultReason,
  type DatePattern,
  type Preference,
  type Resolved,
  fault,
  on,
} from './date-pattern.ts';
import { englishDates } from './english-dates.ts';
import { besideDate } from './date-neighbours.ts';
import { koreanRelativeDates } from './korean-relative-dates.ts';
import { respelledDates } from './korean-spelling.ts';
import { koreanWrittenDates } from './korean-written-dates.ts';
import { rulesText } from './plain-text.ts';

/** Offsets in the normalised text (`rulesText`); `end` is exclusive. */
export interface Span {
  start: number;
  end: number;
}

export interface DateRead {
  ok: true;
  /** `YYYY-MM-DD`; first day of all that was named. */
  from: string;
  /** `YYYY-MM-DD`; last day, included. */
  to: string;
  /** The parts, where several days or ranges were listed. */
  ranges: { from: string; to: string }[];
  /** A window that ends or begins today (최근 3일, past week), with its length in days. */
  rolling?: { days: number };
  /** One range whose both ends, or whose start and length, were said. */
  joined?: true;
  spans: Span[];
}

export interface DateFault {
  ok: false;
  reason: DateFaultReason;
  /** The words that name no day. */
  text: string;
  spans: Span[];
}

export type DateReading = DateRead | DateFault;

export interface DateOptions {
  /** Epoch milliseconds. */
  now: number;
  /** IANA name. */
  timeZone: string;
  /** What a date without a year or month means. Default `future`. */
  prefer?: Preference;
}

/** An open end (부터 …, since …) reaches this far ahead: the view of a month calendar. */
const openEndDays = 30;
/** Longer texts are pasted matter; dates beyond this do not count, and patterns stay fast. */
const readCharsMax = 2000;

interface Atom extends Span {
  pattern: DatePattern;
  groups: Record<string, string | undefined>;
}

interface Piece extends Span {
  resolved: Resolved;
  atom: Atom;
  /** Joined by 부터 … 까지 or a tilde: takes no further end. */
  closed: boolean;
}

const koreanDates: readonly DatePattern[] = [...koreanWrittenDates, ...koreanRelativeDates];

/** Only the patterns whose script the text has; dates in digits are among the Korean ones. */
function patternsFor(text: string): DatePattern[] {
  const korean = /[가-힣\d]/.test(text) ? koreanDates : [];
  return [...korean, ...(/[a-z]/.test(text) ? englishDates : [])];
}

/** All matches that do not overlap: the earlier first, then the longer. */
function findAtoms(text: string): Atom[] {
  const found: Atom[] = [];
  for (const pattern of patternsFor(text)) {
    for (const match of text.matchAll(pattern.regex)) {
      if (match[0] === '') continue;
      const end = match.index + match[0].length;
      found.push({ pattern, groups: match.groups ?? {}, start: match.index, end });
    }
  }
  found.sort((left, right) => left.start - right.start || right.end - left.end);
  const kept: Atom[] = [];
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

const resolveAtom = (atom: Atom, context: DateContext): Resolved | null =>
  atom.pattern.read(atom.groups, context);

/** The end of a range belongs to its start: the first such day from there on. */
function joinRange(start: Atom, end: Atom, context: DateContext): Resolved | null {
  const attempt = (startContext: DateContext): Resolved | null => {
    const first = resolveAtom(start, startContext);
    if (first === null || !first.ok) return first;
    const last = resolveAtom(
      end,
      end.pattern.floating ? { ...context, anchor: first.from } : context,
    );
    if (last === null || !last.ok) return last;
    return last.to < first.from ? null : { ok: true, from: first.from, to: last.to };
  };
  const floating = start.pattern.floating === true && end.pattern.floating === true;
  if (floating && context.prefer === 'future') {
    // 월요일부터 금요일까지, said on a Wednesday, is this week's.
    const running = attempt({ ...context, prefer: 'past' });
    if (running?.ok && running.to >= context.today) return running;
  }
  return attempt(context);
}

const within = (inner: Resolved, outer: Resolved): boolean =>
  inner.ok && outer.ok && inner.from >= outer.from && inner.to <= outer.to;

/** 내년 크리스마스, Monday of next week: one of the two says which of the other. */
function refine(outer: Atom, inner: Atom, context: DateContext): Resolved | null {
  const frame = resolveAtom(outer, context);
  if (frame === null || !frame.ok || frame.from === frame.to) return null;
  const resolved = resolveAtom(inner, { ...context, anchor: frame.from });
  return resolved !== null && within(resolved, frame) ? resolved : null;
}

function joinPair(text: string, first: Atom, second: Atom, context: DateContext): Piece | null {
  const gap = text.slice(first.end, second.start);
  const span = { start: first.start, end: second.end, atom: second };
  const andRange =
    betweenAnd.test(gap) && /between\s+(?:the\s+)?$/.test(text.slice(0, first.start));
  if (second.pattern.count && betweenLength.test(gap)) {
    const start = resolveAtom(first, context);
    if (start === null || !start.ok) return null;
    const to = start.from + second.pattern.count(second.groups) - 1;
    return { ...span, resolved: { ok: true, from: start.from, to }, closed: true };
  }
  if (betweenRange.test(gap) || andRange) {
    const resolved = joinRange(first, second, context);
    return resolved === null ? null : { ...span, resolved, closed: true };
  }
  if (!beside.test(gap)) return null;
  const resolved = refine(first, second, context) ?? refine(second, first, context);
  return resolved === null ? null : { ...span, resolved, closed: false };
}

function joinAtoms(text: string, atoms: Atom[], context: DateContext): Piece[] {
  const pieces: Piece[] = [];
  for (let index = 0; index < atoms.length; index += 1) {
    const atom = atoms[index];
    if (atom === undefined) continue;
    const next = atoms[index + 1];
    const joined = next === undefined ? null : joinPair(text, atom, next, context);
    if (joined !== null) {
      pieces.push(joined);
      index += 1;
      continue;
    }
    const resolved = resolveAtom(atom, context);
    if (resolved !== null) {
      pieces.push({ start: atom.start, end: atom.end, atom, resolved, closed: false });
    }
  }
  return pieces;
}

function openEnded(day: CivilDay, context: DateContext): Resolved {
  const past = context.prefer === 'past' || day < context.today;
  return {
    ok: true,
    from: day,
    to: past && day <= context.today ? context.today : day + openEndDays,
  };
}

function openStarted(day: CivilDay, context: DateContext): Resolved {
  const ahead = context.prefer === 'future' && day >= context.today;
  return { ok: true, from: ahead ? context.today : day - openEndDays, to: day };
}

/** 부터, 까지, since, until beside a single date; also takes such words into the span. */
function openPiece(text: string, piece: Piece, context: DateContext): Piece {
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
  // Before December, 12월 이전: which December, and whether it counts, only the sentence says.
  if (from !== to && (word === 'before' || word === 'after' || word === '이전')) {
    return { ...span, resolved: fault('unclear') };
  }
  if (word === '부터' || word === '이후' || word === 'since' || word === 'after') {
    return { ...span, resolved: openEnded(from, context) };
  }
  if (word === 'from' || word === 'starting') {
    // "mail from Monday" is of Monday; "from Monday on" is not.
    if (/^\s+(?:on|onwards?)\b/.test(text.slice(end))) {
      return { ...span, resolved: openEnded(from, context) };
    }
    return span;
  }
  if (word === '까지' || word === '이전' || word === 'until' || word === 'till') {
    return { ...span, resolved: openStarted(to, context) };
  }
  if (word === 'before') return { ...span, resolved: openStarted(to - 1, context) };
  return span;
}

/** 크리스마스 다음날, the week of December 7: what stands beside the date counts too. */
function shiftedPiece(text: string, piece: Piece): Piece {
  const { resolved } = piece;
  if (!resolved.ok) return piece;
  const { days, start, end } = besideDate(text, piece);
  if (days === 0) return piece;
  const sure = days !== null && resolved.from === resolved.to && !piece.closed;
  const day = resolved.from + (days ?? 0);
  return { ...piece, start, end, resolved: sure ? on(day) : fault('unclear') };
}

/** 2주 뒤 월요일, monday in two weeks: two dates of different kinds side by side that could not be joined. */
function clash(text: string, first: Piece, second: Piece | undefined): boolean {
  if (second === undefined || first.atom.pattern.name === second.atom.pattern.name) return false;
  if (!sideBySide.test(text.slice(first.end, second.start))) return false;
  return !within(first.resolved, second.resolved) && !within(second.resolved, first.resolved);
}

/** Reads text that is already normalised; spans are offsets in it. Null when it names no date. */
export function readDatesIn(text: string, context: DateContext): DateReading | null {
  const clipped = respelledDates(text.slice(0, readCharsMax));
  const pieces = joinAtoms(clipped, findAtoms(clipped), context).map((piece) =>
    openPiece(clipped, shiftedPiece(clipped, piece), context),
  );
  const [first] = pieces;
  if (first === undefined) return null;
  const spans = pieces.map(({ start, end }) => ({ start, end }));
  const ranges: { from: CivilDay; to: CivilDay }[] = [];
  for (const [at, piece] of pieces.entries()) {
    const { resolved, start, end } = piece;
    const next = pieces[at + 1];
    const isUnclear = resolved.ok && next?.resolved.ok === true && clash(clipped, piece, next);
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
 * Reads the dates of a message.
 * @returns null when it names none; `ok: false` when it names a day that does not exist, a lunar date, a
 * weekday that does not fit its date, or a day that the words beside it may shift.
 */
export function readDates(message: string, options: DateOptions): DateReading | null {
  const { today } = civilNow(options.now, options.timeZone);
  return readDatesIn(rulesText(message), { today, prefer: options.prefer ?? 'future' });
}
