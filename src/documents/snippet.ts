/**
 * The place of a text that answers a question: where most of its different words stand close together, the rare
 * ones first. As one line for people, as a passage with its lines for a model.
 */
import { piecesOf, stemOf, type QueryWords } from './search-words.ts';
import { folded } from './word-folding.ts';
import { formsOf, patternOf } from './word-forms.ts';

/** Characters that a snippet is looked for in: enough for a long report, bounded for a page of results. */
const lookedAtMax = 200_000;

/** About `charsMax` characters around the best place, as one line. The beginning where no word is found. */
export function snippetOf(text: string, words: QueryWords, charsMax = 160): string {
  const shown = text.slice(0, lookedAtMax).normalize('NFC');
  const { from, to } = placeOf(shown, words, charsMax);
  const line = shown
    .slice(from, to)
    .replace(/[\p{Cc}\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const isCut = to < shown.length || text.length > lookedAtMax;
  return `${from > 0 ? '…' : ''}${line}${isCut ? '…' : ''}`;
}

/** Part of a text, in UTF-16 code units of its composed form. */
export interface Passage {
  text: string;
  from: number;
  to: number;
  /** Of the whole text. */
  length: number;
}

/** Where a passage begins: at a character, or where the words stand. */
export type PassageStart = { from: number } | { words: QueryWords };

/** At most `charsMax` characters of the text with its lines; all of it where it fits. */
export function passageIn(text: string, start: PassageStart, charsMax: number): Passage {
  const whole = text.normalize('NFC');
  const { length } = whole;
  if (length <= charsMax) return { text: whole, from: 0, to: length, length };
  const place =
    'from' in start
      ? wholeCharacters(whole, Math.min(start.from, length), charsMax)
      : placeOf(whole, start.words, charsMax);
  return { text: whole.slice(place.from, place.to), ...place, length };
}

interface Place {
  from: number;
  to: number;
}

function placeOf(text: string, words: QueryWords, charsMax: number): Place {
  const best = bestSpan(marksOf(text, words), charsMax);
  // What is said about the words stands behind them more often than before.
  const before = Math.floor((charsMax - (best.to - best.from)) / 4);
  const latest = Math.max(0, text.length - charsMax);
  let start = Math.min(Math.max(0, best.from - before), latest);
  // Not in the middle of a word, if one begins soon.
  const space = start === 0 ? -1 : text.slice(start, best.from).search(/\s/);
  if (space > 0 && space < 20) start += space;
  return wholeCharacters(text, start, charsMax);
}

function wholeCharacters(text: string, start: number, charsMax: number): Place {
  const isHalf = (at: number): boolean => /[\udc00-\udfff]/.test(text.charAt(at));
  const from = isHalf(start) ? start + 1 : start;
  const end = Math.min(text.length, from + charsMax);
  return { from, to: isHalf(end) ? end - 1 : end };
}

/** One place where a word stands. */
interface Mark extends Place {
  /** Which word. */
  word: number;
  /** What the word is worth, once in a span. */
  weight: number;
}

/** All places of all words, in the order of the text. */
function marksOf(text: string, words: QueryWords): Mark[] {
  const lower = sameLength(text);
  const marks: Mark[] = [];
  let word = 0;
  const add = (places: readonly Place[], worth: number): void => {
    // Among spans with as many words, the one with the rarer ones.
    const weight = worth * (1 + 0.1 / Math.max(1, places.length));
    for (const place of places) marks.push({ ...place, word, weight });
    word += 1;
  };
  for (const name of words.names) {
    const named = placesOfName(lower, name);
    if (named.length > 0) {
      add(named, name.length);
      continue;
    }
    for (const run of name) {
      const places = placesOf(lower, run.signed?.written ?? stemOf(run), run.isPaired);
      if (places.length > 0 || !run.isPaired) add(places, 1);
      else {
        const pieces = piecesOf({ runs: [run] });
        for (const piece of pieces) add(placesOf(lower, piece, true), 1 / pieces.length);
      }
    }
  }
  return marks.sort((a, b) => a.from - b.from);
}

/** Where a name of letters and digits stands, in whatever form. */
function placesOfName(lower: string, name: QueryWords['names'][number]): Place[] {
  if (name.some(({ isPaired, signed }) => isPaired || signed !== undefined)) return [];
  if (formsOf(name).length === 0) return [];
  return Array.from(lower.matchAll(patternOf(name)), ({ 0: found, index }) => ({
    from: index,
    to: index + found.length,
  }));
}

function placesOf(lower: string, word: string, isInside: boolean): Place[] {
  const places: Place[] = [];
  for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + word.length)) {
    // As in the index: Korean words stand inside others, words of letters begin.
    if (isInside || !/[\p{L}\p{N}]/u.test(lower.charAt(at - 1))) {
      places.push({ from: at, to: at + word.length });
    }
  }
  return places;
}

/** The first span of at most `charsMax` characters whose different words are worth most; 0 to 0 without any. */
function bestSpan(marks: readonly Mark[], charsMax: number): Place {
  const inside = new Map<number, number>();
  let best = { from: 0, to: 0, worth: 0 };
  let worth = 0;
  let first = 0;
  const drop = ({ word, weight }: Mark): void => {
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
    // Sums of the same words differ in their last digits.
    if (worth > best.worth + 1e-6) best = { from: marks[first]!.from, to: mark.to, worth };
  }
  return best;
}

/** What folding may lengthen or shorten, and capitals. All else (Hangul, Han, Kana, ASCII) is its own form. */
const changing = /[A-Z]+|[^\0-\x7f가-힣一-鿿ぁ-ゖァ-ヺー]+/g;

/** Folded, but with every character at its place: those that would grow or shrink stay as they are. */
function sameLength(text: string): string {
  const whole = folded(text);
  if (whole.length === text.length) return whole;
  const known = new Map<string, string>();
  const formOf = (character: string): string => {
    const form = folded(character);
    return form.length === character.length ? form : character;
  };
  return text.replace(changing, (run) => {
    let out = '';
    for (const character of run) {
      let form = known.get(character);
      if (form === undefined) known.set(character, (form = formOf(character)));
      out += form;
    }
    return out;
  });
}
