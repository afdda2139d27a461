/**
 * Turns text into terms that a full-text index can match, for Korean and English alike.
 *
 * Korean attaches particles to words and joins words without spaces, so whole words match badly. Each run of Hangul,
 * Han or Kana becomes its overlapping pairs of characters (bigrams) and its last character; a longer word is a phrase
 * of bigrams, which finds it inside any other word. Letters and digits stay whole words; name-variants.ts has the other
 * spellings of such names.
 *
 * 압력용기를 → 압력 력용 용기 기를 를      ISO-45001 → iso 45001      Café C++ → cafe c cplusplus
 *
 * 1. Indexed texts and queries go through the same folding; otherwise nothing is found.
 * 2. A query is a tree of words (`SearchTerm`): no text of a user is ever parsed as query syntax.
 */
import type { SearchTerm } from '../document-port.ts';
import { composeText, stripAccents } from './text-folding.ts';
import { spellingVariants, classifyGap, groupNames, type Gap } from './name-variants.ts';

const cjkScripts = String.raw`\p{sc=Hangul}\p{sc=Han}\p{sc=Hira}\p{sc=Kana}ー`;
const runs = new RegExp(`([${cjkScripts}]+)|[[\\p{L}\\p{N}\\p{M}]--[${cjkScripts}]]+`, 'gv');

/** Terms of one query. A pasted page is not a query, and each term costs an index look-up. */
const termsMax = 12;
const queryCharsMax = 200;

/** Longest word of letters. A longer one is data (base64, a hash), and would only fill the index. */
const wordCharsMax = 64;

/** By code point: a surrogate pair must not be split. */
const charactersOf = (text: string): string[] => Array.from(text);

interface Run {
  text: string;
  isCjk: boolean;
  /** The separator between this run and the one before, when both are letters and digits. */
  gap: Gap;
  /** The form with accents, if it has any: the first version of the index kept them. */
  accented?: string;
  /** For a name that ends in signs (C++, C#): its additional word in the index, and its written form. */
  symbolName?: { word: string; written: string };
}

/** C++, C#, A+: signs that make a letter or a word a name; not the plus of a+b, nor the # of a tag. */
const endSigns = /^(?:\+\+|[+#](?![\p{L}\p{N}]))/u;
const signNames: Record<string, string> = { '+': 'plus', '++': 'plusplus', '#': 'sharp' };

function* runsOf(text: string): Generator<Run, undefined> {
  const whole = composeText(text);
  let end = -1;
  for (const match of whole.matchAll(runs)) {
    const [written] = match;
    const isCjk = match[1] !== undefined;
    const plain = isCjk ? written : stripAccents(written);
    const gap = isCjk || end < 0 ? 'none' : classifyGap(whole.slice(end, match.index));
    const run: Run = { text: plain, isCjk, gap };
    if (plain !== written) run.accented = written;
    end = isCjk ? -1 : match.index + written.length;
    const signs = isCjk ? undefined : endSigns.exec(whole.slice(end, end + 3))?.[0];
    if (signs !== undefined && /^[a-z]{1,12}$/.test(plain)) {
      run.symbolName = { word: `${plain}${signNames[signs] ?? ''}`, written: `${plain}${signs}` };
      end = -1;
    }
    yield run;
  }
}

/** The overlapping pairs of a run; the run itself when it is one character. */
function bigramsOf(run: string): string[] {
  const characters = charactersOf(run);
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
}

/** Characters that are tokenized in one slice: some milliseconds. */
const sliceChars = 20_000;

/** A slice may end after these: no word continues, and the text behind them does not change how a word is folded. */
const sliceEnds = /[\s,;!?。、]/;

/** The index terms of a text, separated by spaces. */
export const tokenizeForIndex = (text: string): string => [...tokenizeInSlices(text)].join(' ');

/** The same, slice by slice: the caller can yield to the event loop between two slices. */
export function* tokenizeInSlices(text: string): Generator<string, undefined> {
  for (let start = 0; start < text.length;) {
    const end = sliceEnd(text, start + sliceChars);
    const words = tokenizeSlice(text.slice(start, end));
    if (words !== '') yield words;
    start = end;
  }
}

function sliceEnd(text: string, from: number): number {
  if (from >= text.length) return text.length;
  const more = text.slice(from).search(sliceEnds);
  return more < 0 ? text.length : from + more + 1;
}

function tokenizeSlice(text: string): string {
  const words: string[] = [];
  for (const run of runsOf(text)) {
    if (run.isCjk) {
      const pairs = bigramsOf(run.text);
      words.push(...pairs);
      // The last character begins no pair; as a word it is found by a query of one syllable.
      const characters = charactersOf(run.text);
      if (characters.length > 1) words.push(characters.at(-1) ?? '');
    } else if (run.text.length <= wordCharsMax) {
      words.push(run.text);
      if (run.symbolName !== undefined) words.push(run.symbolName.word);
    }
  }
  return words.join(' ');
}

export interface ParsedQuery {
  /** Each distinct run of the query, in order. */
  runs: Run[];
  /** All runs in order, duplicates included; the words of one name together. */
  names: Run[][];
}

/** The words of a query; `runs` is empty when it has none. */
export function parseQuery(query: string): ParsedQuery {
  const seen = new Set<string>();
  const found: Run[] = [];
  const rows: Run[][] = [];
  for (const run of runsOf(query.slice(0, queryCharsMax))) {
    if (found.length === termsMax) break;
    if (run.gap === 'none' || rows.length === 0) rows.push([]);
    rows.at(-1)!.push(run);
    const key = run.symbolName?.word ?? run.text;
    if (!seen.has(key)) found.push(run);
    seen.add(key);
  }
  return { runs: found, names: rows.flatMap((row) => groupNames(row)) };
}

const phraseOf = (words: readonly string[], isPrefix = false): SearchTerm => ({ words, isPrefix });

/** A single term alone. */
function combine(operator: 'all' | 'any', terms: readonly SearchTerm[]): SearchTerm {
  if (terms.length === 1) return terms[0]!;
  return operator === 'all' ? { all: terms } : { any: terms };
}

/** All terms, each once. */
const allOf = (terms: readonly SearchTerm[]): SearchTerm =>
  terms.length === 1
    ? terms[0]!
    : combine('all', [...new Map(terms.map((term) => [JSON.stringify(term), term])).values()]);

function termOf(run: Run): SearchTerm {
  if (run.symbolName !== undefined) return phraseOf([run.symbolName.word]);
  // A single syllable is the beginning of a pair, or a word where it is the last.
  if (!run.isCjk || charactersOf(run.text).length === 1) return phraseOf([run.text], true);
  return phraseOf(bigramsOf(run.text));
}

/** Words that are written without a space between them, as one phrase: v1.2.3, ISO-9001, 010-1234-5678. */
function phraseTerms(name: readonly Run[]): SearchTerm[] {
  const groups: Run[][] = [];
  for (const run of name) {
    const group = run.gap === 'sign' || run.gap === 'comma' ? groups.at(-1) : undefined;
    if (group !== undefined) group.push(run);
    else groups.push([run]);
  }
  return groups.map((group) =>
    group.length === 1
      ? termOf(group[0]!)
      : phraseOf(
          group.map(({ text }) => text),
          true,
        ),
  );
}

/** Every word, as written, anywhere in the document. */
export const exactQuery = (words: ParsedQuery): SearchTerm =>
  allOf(words.names.flatMap(phraseTerms));

/** Korean particles that a query may have and a document may not: longest first. */
const particles =
  '에서 으로 까지 부터 에게 이랑 하고 을 를 이 가 은 는 의 에 로 와 과 도 만 랑'.split(' ');

/**
 * Every word, also without its particle or in two parts: 압력용기를 finds 압력용기 and 압력 용기; a name in all its forms. Null when
 * this is the same as `exactQuery`.
 */
export function relaxedQuery(words: ParsedQuery): SearchTerm | null {
  const terms = words.names.map((name) => {
    const [first] = name;
    const ways = name.length === 1 && first!.isCjk ? cjkVariants(first!) : nameVariants(name);
    return combine('any', ways);
  });
  const query = allOf(terms);
  return JSON.stringify(query) === JSON.stringify(exactQuery(words)) ? null : query;
}

function cjkVariants(run: Run): SearchTerm[] {
  const stem = stemOf(run);
  const forms = new Set([run.text, stem]);
  return [...[...forms].map((text) => termOf({ ...run, text })), ...splitVariants(stem)];
}

/** Length from which the last word of a form also matches as a prefix: a shorter prefix says too little. */
const prefixCharsMin = 4;

function nameVariants(name: readonly Run[]): SearchTerm[] {
  const terms = name.map((run) => {
    const ways = [termOf(run)];
    if (run.accented !== undefined) ways.push(phraseOf([run.accented], true));
    // For texts that were indexed before such names had a word of their own.
    if (run.symbolName !== undefined) ways.push(phraseOf([run.text]));
    return combine('any', ways);
  });
  const apart = combine('all', terms);
  const forms = name.some(({ symbolName: signed }) => signed !== undefined)
    ? []
    : spellingVariants(name);
  const phrases = forms.map((form) => {
    const isBeginning = form.length === 1 || form.at(-1)!.length >= prefixCharsMin;
    return phraseOf(form, isBeginning);
  });
  return [apart, ...phrases];
}

/** The word without its particle. */
export const stemOf = ({ text, isCjk: isPaired }: Pick<Run, 'text' | 'isCjk'>): string =>
  isPaired ? stripParticle(text) : text;

function stripParticle(word: string): string {
  const characters = charactersOf(word);
  const particle = particles.find((one) => word.endsWith(one));
  // At least two syllables must stay: 회의 is not 회 with a particle.
  if (particle === undefined || characters.length - charactersOf(particle).length < 2) return word;
  return word.slice(0, -particle.length);
}

function splitVariants(word: string): SearchTerm[] {
  const characters = charactersOf(word);
  const ways: SearchTerm[] = [];
  for (let at = 2; at <= characters.length - 2 && at <= 8; at += 1) {
    const parts = [characters.slice(0, at), characters.slice(at)];
    ways.push({ all: parts.map((part) => phraseOf(bigramsOf(part.join('')))) });
  }
  return ways;
}

/** All pairs and words of the query, for a search that any of them satisfies. */
export const searchTermsOf = (words: Pick<ParsedQuery, 'runs'>): string[] => [
  ...new Set(
    words.runs.flatMap((run) =>
      run.isCjk ? bigramsOf(run.text) : [run.symbolName?.word ?? run.text],
    ),
  ),
];

/** Any of the terms. */
export const anyTermQuery = (pieces: readonly string[]): SearchTerm => ({
  any: pieces.map((piece) => phraseOf([piece])),
});

/** One term; a single syllable also as the beginning of a pair. */
export const termQuery = (piece: string): SearchTerm =>
  phraseOf([piece], charactersOf(piece).length === 1);
