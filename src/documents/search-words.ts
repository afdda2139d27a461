/**
 * Text as words that a full-text index can match, for Korean and English alike.
 *
 * Korean hangs particles on its words and joins words without spaces, so whole words match badly. Each run of
 * Hangul, Han or Kana becomes its overlapping pairs of characters and its last character; a longer word is a
 * phrase of pairs, which finds it inside any other word. Letters and digits stay whole words; the ways in which
 * such a name may be written besides are in word-forms.
 *
 * 압력용기를 → 압력 력용 용기 기를 를      ISO-45001 → iso 45001      Café C++ → cafe c cplusplus
 *
 * 1. What is indexed and what is asked for go through the same folding, or nothing is found.
 * 2. A query is always quoted terms: no text of a user is ever read as query syntax.
 */
import { composed, withoutAccents } from './word-folding.ts';
import { formsOf, gapOf, namesOf, type Gap } from './word-forms.ts';

const paired = String.raw`\p{sc=Hangul}\p{sc=Han}\p{sc=Hira}\p{sc=Kana}ー`;
const runs = new RegExp(`([${paired}]+)|[[\\p{L}\\p{N}\\p{M}]--[${paired}]]+`, 'gv');

/** Terms of one question. A pasted page is not a question, and each term costs an index look-up. */
const termsMax = 12;
const queryCharsMax = 200;

/** Longest word of letters. What is longer is data (base64, a hash), and would only fill the index. */
const wordCharsMax = 64;

/** By code point: half a character is no character. */
const charactersOf = (text: string): string[] => Array.from(text);

interface Run {
  text: string;
  isPaired: boolean;
  /** What stands between it and the run before, where both are letters and digits. */
  gap: Gap;
  /** With its accents, where it has any: the index had them before the second version of its words. */
  accented?: string;
  /** For a name that ends in signs (C++, C#): the further word of the index, and what is written. */
  signed?: { word: string; written: string };
}

/** C++, C#, A+: what makes a name of a letter or a word; not the plus of a+b, nor the # of a tag. */
const endSigns = /^(?:\+\+|[+#](?![\p{L}\p{N}]))/u;
const signNames: Record<string, string> = { '+': 'plus', '++': 'plusplus', '#': 'sharp' };

function* runsOf(text: string): Generator<Run, undefined> {
  const whole = composed(text);
  let end = -1;
  for (const match of whole.matchAll(runs)) {
    const [written] = match;
    const isPaired = match[1] !== undefined;
    const plain = isPaired ? written : withoutAccents(written);
    const gap = isPaired || end < 0 ? 'none' : gapOf(whole.slice(end, match.index));
    const run: Run = { text: plain, isPaired, gap };
    if (plain !== written) run.accented = written;
    end = isPaired ? -1 : match.index + written.length;
    const signs = isPaired ? undefined : endSigns.exec(whole.slice(end, end + 3))?.[0];
    if (signs !== undefined && /^[a-z]{1,12}$/.test(plain)) {
      run.signed = { word: `${plain}${signNames[signs] ?? ''}`, written: `${plain}${signs}` };
      end = -1;
    }
    yield run;
  }
}

/** The overlapping pairs of a run; the run itself where it is one character. */
function pairsOf(run: string): string[] {
  const characters = charactersOf(run);
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
}

/** Characters that are cut into words at a time: some milliseconds. */
const sliceChars = 20_000;

/** Behind these a text may be cut: no word goes on, and nothing behind them changes how a word is folded. */
const sliceEnds = /[\s,;!?。、]/;

/** The words of a text, separated by spaces, for the index. */
export const indexWords = (text: string): string => [...wordSlices(text)].join(' ');

/** The same, some at a time: who writes a long text lets others have their turn between two slices. */
export function* wordSlices(text: string): Generator<string, undefined> {
  for (let start = 0; start < text.length;) {
    const end = sliceEnd(text, start + sliceChars);
    const words = wordsOfSlice(text.slice(start, end));
    if (words !== '') yield words;
    start = end;
  }
}

function sliceEnd(text: string, from: number): number {
  if (from >= text.length) return text.length;
  const more = text.slice(from).search(sliceEnds);
  return more < 0 ? text.length : from + more + 1;
}

function wordsOfSlice(text: string): string {
  const words: string[] = [];
  for (const run of runsOf(text)) {
    if (run.isPaired) {
      const pairs = pairsOf(run.text);
      words.push(...pairs);
      // The last character begins no pair; as a word it is found by a question of one syllable.
      const characters = charactersOf(run.text);
      if (characters.length > 1) words.push(characters.at(-1) ?? '');
    } else if (run.text.length <= wordCharsMax) {
      words.push(run.text);
      if (run.signed !== undefined) words.push(run.signed.word);
    }
  }
  return words.join(' ');
}

/** What is asked for. */
export interface QueryWords {
  /** Each run of the query once, in its order. */
  runs: Run[];
  /** The same in order, and doubled where they were, with the words of one name together. */
  names: Run[][];
}

/** The words of a question; `runs` is empty where it has none. */
export function queryWords(query: string): QueryWords {
  const seen = new Set<string>();
  const found: Run[] = [];
  const rows: Run[][] = [];
  for (const run of runsOf(query.slice(0, queryCharsMax))) {
    if (found.length === termsMax) break;
    if (run.gap === 'none' || rows.length === 0) rows.push([]);
    rows.at(-1)!.push(run);
    const key = run.signed?.word ?? run.text;
    if (!seen.has(key)) found.push(run);
    seen.add(key);
  }
  return { runs: found, names: rows.flatMap((row) => namesOf(row)) };
}

const quoted = (words: readonly string[]): string => `"${words.join(' ')}"`;

function termOf(run: Run): string {
  if (run.signed !== undefined) return quoted([run.signed.word]);
  // A single syllable begins every pair it is the first of, and is a word where it is the last.
  if (!run.isPaired || charactersOf(run.text).length === 1) return `${quoted([run.text])}*`;
  return quoted(pairsOf(run.text));
}

/** The words between which no space is written, as one phrase: v1.2.3, ISO-9001, 010-1234-5678. */
function writtenTerms(name: readonly Run[]): string[] {
  const groups: Run[][] = [];
  for (const run of name) {
    const group = run.gap === 'sign' || run.gap === 'comma' ? groups.at(-1) : undefined;
    if (group !== undefined) group.push(run);
    else groups.push([run]);
  }
  return groups.map((group) =>
    group.length === 1 ? termOf(group[0]!) : `${quoted(group.map(({ text }) => text))}*`,
  );
}

/** Every word, as written, somewhere in the document. */
export const exactMatch = (words: QueryWords): string =>
  [...new Set(words.names.flatMap(writtenTerms))].join(' AND ');

/** Korean particles that a question carries and a document may not: longest first. */
const particles =
  '에서 으로 까지 부터 에게 이랑 하고 을 를 이 가 은 는 의 에 로 와 과 도 만 랑'.split(' ');

/**
 * Every word, without its particle, or in two parts: 압력용기를 finds 압력용기 and 압력 용기; a name in all its forms.
 * Null where that asks for nothing else than `exactMatch`.
 */
export function looseMatch(words: QueryWords): string | null {
  const terms = words.names.map((name) => {
    const [first] = name;
    const ways = name.length === 1 && first!.isPaired ? pairedWays(first!) : nameWays(name);
    return ways.length === 1 ? ways.join('') : `(${ways.join(' OR ')})`;
  });
  const match = [...new Set(terms)].join(' AND ');
  return match === exactMatch(words) ? null : match;
}

function pairedWays(run: Run): string[] {
  const stem = stemOf(run);
  const forms = new Set([run.text, stem]);
  return [...[...forms].map((text) => termOf({ ...run, text })), ...partedWays(stem)];
}

/** The last word of a form is found by its beginning where that says something. */
const beginningMin = 4;

function nameWays(name: readonly Run[]): string[] {
  const terms = name.map((run) => {
    const ways = [termOf(run)];
    if (run.accented !== undefined) ways.push(`${quoted([run.accented])}*`);
    // Of a text that was indexed before such names had a word of their own.
    if (run.signed !== undefined) ways.push(quoted([run.text]));
    return ways.length === 1 ? ways.join('') : `(${ways.join(' OR ')})`;
  });
  const apart = terms.length === 1 ? terms.join('') : `(${terms.join(' AND ')})`;
  const forms = name.some(({ signed }) => signed !== undefined) ? [] : formsOf(name);
  const phrases = forms.map((form) => {
    const isBeginning = form.length === 1 || form.at(-1)!.length >= beginningMin;
    return `${quoted(form)}${isBeginning ? '*' : ''}`;
  });
  return [apart, ...phrases];
}

/** The word without its particle. */
export const stemOf = ({ text, isPaired }: Pick<Run, 'text' | 'isPaired'>): string =>
  isPaired ? withoutParticle(text) : text;

function withoutParticle(word: string): string {
  const characters = charactersOf(word);
  const particle = particles.find((one) => word.endsWith(one));
  // Two syllables at least must stay: 회의 is no 회 with a particle.
  if (particle === undefined || characters.length - charactersOf(particle).length < 2) return word;
  return word.slice(0, -particle.length);
}

function partedWays(word: string): string[] {
  const characters = charactersOf(word);
  const ways: string[] = [];
  for (let at = 2; at <= characters.length - 2 && at <= 8; at += 1) {
    const parts = [characters.slice(0, at), characters.slice(at)];
    const terms = parts.map((part) => quoted(pairsOf(part.join(''))));
    ways.push(`(${terms.join(' AND ')})`);
  }
  return ways;
}

/** All pairs and words of the question, for a search that any of them satisfies. */
export const piecesOf = (words: Pick<QueryWords, 'runs'>): string[] => [
  ...new Set(
    words.runs.flatMap((run) =>
      run.isPaired ? pairsOf(run.text) : [run.signed?.word ?? run.text],
    ),
  ),
];

/** Any of the pieces. */
export const anyMatch = (pieces: readonly string[]): string =>
  pieces.map((piece) => quoted([piece])).join(' OR ');

/** One piece; a single syllable also where it begins a pair. */
export const pieceMatch = (piece: string): string =>
  charactersOf(piece).length === 1 ? `${quoted([piece])}*` : quoted([piece]);
