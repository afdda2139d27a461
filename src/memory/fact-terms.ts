/**
 * By which terms a fact is found, and whether it fits a question: a question and a fact must share a word, in Korean without
 * its particles, in English in any of its forms. The terms are those of the document index.
 */
import { extractKeywords } from '#language/query-keywords';
import { stemEnglish } from '#library/fulltext/english-stem';
import { parseQuery, searchTermsOf, stemOf } from '#library/fulltext/fts-terms';

/** More words are not a fact. */
const termsMax = 400;
const questionWordsMax = 24;

/** One word: its pairs of syllables, or the word. */
const termsOfWord = (word: string): string[] =>
  searchTermsOf(parseQuery(word)).map(stemEnglish).filter(isTelling);

/** A single letter or a single digit says nothing. */
const isTelling = (term: string): boolean => !/^[a-z\d]$/.test(term);

/** Each term once. */
export function factTerms(text: string): string[] {
  const terms = new Set<string>();
  for (const word of text.split(/\s+/)) {
    for (const term of termsOfWord(word)) terms.add(term);
    if (terms.size >= termsMax) break;
  }
  return [...terms].slice(0, termsMax);
}

/** The words of a question that say what it is about, each as its terms. */
export function questionWords(question: string): string[][] {
  return extractKeywords(question)
    .filter((word) => !asksOfMemory.test(word))
    .slice(0, questionWordsMax)
    .flatMap((word) => {
      const { runs } = parseQuery(word);
      return runs.map((run) => termsOfWord(stemOf(run)));
    })
    .filter((terms) => terms.length > 0);
}

/** 기억해?, remember: about the memory itself. */
const asksOfMemory = /^(?:기억|remember|recall|know|tell|please)/i;

/**
 * How much of a question a fact has: the sum over its words, a rare one counting more. 0: none of its words. A word of three or
 * more syllables counts also with its beginning and a third of its pairs, because endings differ and nouns are joined.
 * @param weightOf of a term, by its rarity
 */
export function fitOf(
  terms: ReadonlySet<string>,
  words: readonly (readonly string[])[],
  weightOf: (term: string) => number,
): number {
  let fit = 0;
  for (const word of words) {
    const had = word.filter((term) => terms.has(term));
    if (!terms.has(word[0]!) || had.length * 3 < word.length) continue;
    fit += Math.max(...had.map(weightOf)) * (had.length / word.length);
  }
  return fit;
}
