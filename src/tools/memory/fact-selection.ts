/** Which of the facts that share words with a selection are meant by it. */
import { containsAllWords, foldCase, splitWords } from '../sanitize-text.ts';
import type { RememberedFact } from './fact-book.ts';

/** Words that say whose a fact is, and not what it is. */
const possessive =
  /^(?:내|나의|나|제|저의|저|나는|나도|저는|내가|제가|우리|the|a|an|my|our|i|i'm|im|we|am|is|are|that)$/u;
const particle =
  /(?<=[가-힣]{2})(?:은|는|이|가|을|를|의|도|에|에서|으로|로|야|이야|다|이다|라고)$/u;

/**
 * A fact with exactly these words alone; else those that have all of them. Korean words may have other particles.
 * @param found best first
 */
export function selectFacts(found: readonly RememberedFact[], words: string): RememberedFact[] {
  const same = found.filter(({ text }) => foldCase(text).trim() === foldCase(words).trim());
  if (same.length > 0) return same.slice(0, 1);
  const wanted = splitWords(words, 16).map((word) => word.replace(/[.,!?'"]+$/u, ''));
  const telling = wanted.filter((word) => !possessive.test(word));
  if (telling.length === 0) return [];
  return found.filter(({ text }) =>
    telling.every((word) =>
      [word, word.replace(particle, ''), word.replace(/'s$|(?<=[a-z]{3})s$/u, '')].some((form) =>
        containsAllWords(text, [form]),
      ),
    ),
  );
}
