/**
 * The part of a text that answers a query: where most of its distinct words are close together, rare words first. As
 * one line for users, as a passage with its lines for a model.
 */
import type { Passage } from '#shared/text/passage';
import { searchTermsOf, stemOf, type ParsedQuery } from './fts-terms.ts';
import { foldText } from './text-folding.ts';
import { spellingVariants, namePattern } from './name-variants.ts';

/** Characters in which a snippet is searched: enough for a long report, bounded for a page of results. */
const lookedAtMax = 200_000;

/** About `charsMax` characters around the best match, as one line. The beginning when no word is found. */
export function snippetOf(text: string, words: ParsedQuery, charsMax = 160): string {
  const shown = text.slice(0, lookedAtMax).normalize('NFC');
  const { from, to } = snippetRange(shown, words, charsMax);
  const line = shown
    .slice(from, to)
    .replace(/[\p{Cc}\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const isCut = to < shown.length || text.length > lookedAtMax;
  return `${from > 0 ? '…' : ''}${line}${isCut ? '…' : ''}`;
}

/** Where a passage begins: at a character, or near the words. */
export type PassageStart = { from: number } | { words: ParsedQuery };

/** At most `charsMax` characters of the text with its lines; the whole text if it fits. */
export function passageIn(text: string, start: PassageStart, charsMax: number): Passage {
  const whole = text.normalize('NFC');
  const { length } = whole;
  if (length <= charsMax) return { text: whole, from: 0, to: length, length };
  const range =
    'from' in start
      ? wholeCharacters(whole, Math.min(start.from, length), charsMax)
      : snippetRange(whole, start.words, charsMax);
  return { text: whole.slice(range.from, range.to), ...range, length };
}

interface TextRange {
  from: number;
  to: number;
}

function snippetRange(text: string, words: ParsedQuery, charsMax: number): TextRange {
  const best = bestSpan(findTermMatches(text, words), charsMax);
  // Text about the words follows them more often than it precedes them.
  const before = Math.floor((charsMax - (best.to - best.from)) / 4);
  const latest = Math.max(0, text.length - charsMax);
  let start = Math.min(Math.max(0, best.from - before), latest);
  // Not in the middle of a word, if another begins soon.
  const space = start === 0 ? -1 : text.slice(start, best.from).search(/\s/);
  if (space > 0 && space < 20) start += space;
  return wholeCharacters(text, start, charsMax);
}

function wholeCharacters(text: string, start: number, charsMax: number): TextRange {
  const isHalf = (at: number): boolean => /[\udc00-\udfff]/.test(text.charAt(at));
  const from = isHalf(start) ? start + 1 : start;
  const end = Math.min(text.length, from + charsMax);
  return { from, to: isHalf(end) ? end - 1 : end };
}

/** One occurrence of a word. */
interface TermMatch extends TextRange {
  /** Number of the word. */
  word: number;
  /** Weight of the word, counted once per span. */
  weight: number;
}

/** All occurrences of all words, in the order of the text. */
function findTermMatches(text: string, words: ParsedQuery): TermMatch[] {
  const lower = foldKeepingLength(text);
  const marks: TermMatch[] = [];
  let word = 0;
  const add = (places: readonly TextRange[], worth: number): void => {
    // Among spans with equally many words, prefers the one with rarer words.
    const weight = worth * (1 + 0.1 / Math.max(1, places.length));
    for (const place of places) marks.push({ ...place, word, weight });
    word += 1;
  };
  for (const name of words.names) {
    const named = nameOccurrences(lower, name);
    if (named.length > 0) {
      add(named, name.length);
      continue;
    }
    for (const run of name) {
      const places = termOccurrences(lower, run.symbolName?.written ?? stemOf(run), run.isCjk);
      if (places.length > 0 || !run.isCjk) add(places, 1);
      else {
        const pieces = searchTermsOf({ runs: [run] });
        for (const piece of pieces) add(termOccurrences(lower, piece, true), 1 / pieces.length);
      }
    }
  }
  return marks.sort((a, b) => a.from - b.from);
}

/** Occurrences of a name of letters and digits, in any form. */
function nameOccurrences(lower: string, name: ParsedQuery['names'][number]): TextRange[] {
  if (name.some(({ isCjk: isPaired, symbolName: signed }) => isPaired || signed !== undefined))
    return [];
  if (spellingVariants(name).length === 0) return [];
  return Array.from(lower.matchAll(namePattern(name)), ({ 0: found, index }) => ({
    from: index,
    to: index + found.length,
  }));
}

function termOccurrences(lower: string, word: string, isInside: boolean): TextRange[] {
  const places: TextRange[] = [];
  for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + word.length)) {
    // As in the index: Korean words match inside others, words of letters at the beginning.
    if (isInside || !/[\p{L}\p{N}]/u.test(lower.charAt(at - 1))) {
      places.push({ from: at, to: at + word.length });
    }
  }
  return places;
}

/**
 * The first span of at most `charsMax` characters whose distinct words have the greatest weight; 0 to 0 without any.
 */
function bestSpan(marks: readonly TermMatch[], charsMax: number): TextRange {
  const inside = new Map<number, number>();
  let best = { from: 0, to: 0, worth: 0 };
  let worth = 0;
  let first = 0;
  const drop = ({ word, weight }: TermMatch): void => {
    const left = inside.get(word)! - 1;
    inside.set(word, left);
    if (left === 0) worth -= weight;
    first += 1;
  };
  for (const mark of marks) {
    const had = inside.get(mark.word) ?? 0;
    inside.set(mark.word, had + 1);
    if (had === 0) worth += mark.weight;
    for (;;) {
      const begin = marks[first]!;
      const isDouble = inside.get(begin.word)! > 1;
      if (begin === mark || (mark.to - begin.from <= charsMax && !isDouble)) break;
      drop(begin);
    }
    // Sums of the same weights may differ in their last digits.
    if (worth > best.worth + 1e-6) best = { from: marks[first]!.from, to: mark.to, worth };
  }
  return best;
}

/**
 * Capitals, and characters whose length folding may change. Folding leaves all others (Hangul, Han, Kana, ASCII) alone.
 */
const lengthChangingCharacters = /[A-Z]+|[^\0-\x7f가-힣一-鿿ぁ-ゖァ-ヺー]+/g;

/** Folds, but keeps every character at its position: characters that would grow or shrink stay as they are. */
function foldKeepingLength(text: string): string {
  const whole = foldText(text);
  if (whole.length === text.length) return whole;
  const known = new Map<string, string>();
  const formOf = (character: string): string => {
    const form = foldText(character);
    return form.length === character.length ? form : character;
  };
  return text.replace(lengthChangingCharacters, (run) => {
    let out = '';
    for (const character of run) {
      let form = known.get(character);
      if (form === undefined) known.set(character, (form = formOf(character)));
      out += form;
    }
    return out;
  });
}
