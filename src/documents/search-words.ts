/**
 * Text as words that a full-text index can match, for Korean and English alike.
 *
 * Korean hangs particles on its words and joins words without spaces, so whole words match badly. Each run of
 * Hangul, Han or Kana becomes its overlapping pairs of characters and its last character; a longer word is a
 * phrase of pairs, which finds it inside any other word. Letters and digits stay whole words.
 *
 * 압력용기를 → 압력 력용 용기 기를 를      ISO-45001 → iso 45001
 *
 * 1. What is indexed and what is asked for go through the same folding, or nothing is found.
 * 2. A query is always quoted terms: no text of a user is ever read as query syntax.
 */

const paired = String.raw`\p{sc=Hangul}\p{sc=Han}\p{sc=Hira}\p{sc=Kana}ー`;
const runs = new RegExp(`([${paired}]+)|[[\\p{L}\\p{N}\\p{M}]--[${paired}]]+`, 'gv');

/** Terms of one question. A pasted page is not a question, and each term costs an index look-up. */
const termsMax = 12;
const queryCharsMax = 200;

/** Longest word of letters. What is longer is data (base64, a hash), and would only fill the index. */
const wordCharsMax = 64;

/** One form per character, so that what looks the same is the same: full width, decomposed, upper case. */
export const folded = (text: string): string => text.normalize('NFKC').toLowerCase();

/** By code point: half a character is no character. */
const charactersOf = (text: string): string[] => Array.from(text);

interface Run {
  text: string;
  isPaired: boolean;
}

function* runsOf(text: string): Generator<Run, undefined> {
  for (const match of folded(text).matchAll(runs)) {
    yield { text: match[0], isPaired: match[1] !== undefined };
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
    }
  }
  return words.join(' ');
}

/** What is asked for: each run of the query once, in its order. */
export interface QueryWords {
  runs: Run[];
}

/** The words of a question; `runs` is empty where it has none. */
export function queryWords(query: string): QueryWords {
  const seen = new Set<string>();
  const found: Run[] = [];
  for (const run of runsOf(query.slice(0, queryCharsMax))) {
    if (seen.has(run.text) || found.length === termsMax) continue;
    seen.add(run.text);
    found.push(run);
  }
  return { runs: found };
}

const quoted = (words: string[]): string => `"${words.join(' ')}"`;

function termOf(run: Run): string {
  // A single syllable begins every pair it is the first of, and is a word where it is the last.
  if (!run.isPaired || charactersOf(run.text).length === 1) return `${quoted([run.text])}*`;
  return quoted(pairsOf(run.text));
}

/** Every word, as written, somewhere in the document. */
export const exactMatch = (words: QueryWords): string => words.runs.map(termOf).join(' AND ');

/** Korean particles that a question carries and a document may not: longest first. */
const particles =
  '에서 으로 까지 부터 에게 이랑 하고 을 를 이 가 은 는 의 에 로 와 과 도 만 랑'.split(' ');

/**
 * Every word, without its particle, or in two parts: 압력용기를 finds 압력용기 and 압력 용기.
 * Null where that asks for nothing else than `exactMatch`.
 */
export function looseMatch(words: QueryWords): string | null {
  const terms = words.runs.map((run) => {
    const forms = new Set([run.text]);
    const stem = stemOf(run);
    forms.add(stem);
    const ways = [...forms].map((form) => termOf({ ...run, text: form }));
    if (run.isPaired) ways.push(...partedWays(stem));
    return ways.length === 1 ? ways.join('') : `(${ways.join(' OR ')})`;
  });
  const match = terms.join(' AND ');
  return match === exactMatch(words) ? null : match;
}

/** The word without its particle. */
export const stemOf = ({ text, isPaired }: Run): string =>
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
export const piecesOf = (words: QueryWords): string[] => [
  ...new Set(words.runs.flatMap((run) => (run.isPaired ? pairsOf(run.text) : [run.text]))),
];

/** Any of the pieces. */
export const anyMatch = (pieces: readonly string[]): string =>
  pieces.map((piece) => quoted([piece])).join(' OR ');

/** One piece; a single syllable also where it begins a pair. */
export const pieceMatch = (piece: string): string =>
  charactersOf(piece).length === 1 ? `${quoted([piece])}*` : quoted([piece]);
