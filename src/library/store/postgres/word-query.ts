/**
 * A search as a query of the type `tsquery`, made of quoted tokens, phrases, `&` and `|`: no word of a user is parsed as
 * query syntax. A term without words finds nothing.
 */
import type { SearchTerm } from '../../document-port.ts';
import { quoteToken, tokensIn } from './word-vectors.ts';

export interface WordQuery {
  /** All of it, for the vector of a whole document. */
  whole: string;
  /** Its phrases. The words of a long text are in several vectors, and each phrase is in one of them. */
  phrases: string[];
  /** A condition over the results of the phrases, as `phrase(index)` shows them. */
  condition(phrase: (index: number) => string): string;
}

/** Null: it finds nothing. */
export function toWordQuery(term: SearchTerm): WordQuery | null {
  if ('words' in term) return phraseQuery(term.words.flatMap(tokensIn), term.isPrefix);
  const isAny = 'any' in term;
  const terms = isAny ? term.any : term.all;
  const parts = terms.flatMap((one) => toWordQuery(one) ?? []);
  if (!isAny && parts.length < terms.length) return null;
  if (parts.length <= 1) return parts[0] ?? null;
  const starts = parts.map((_, index) =>
    parts.slice(0, index).reduce((sum, { phrases }) => sum + phrases.length, 0),
  );
  return {
    whole: `(${parts.map(({ whole }) => whole).join(isAny ? ' | ' : ' & ')})`,
    phrases: parts.flatMap(({ phrases }) => phrases),
    condition: (phrase) =>
      `(${parts
        .map((part, at) => part.condition((index) => phrase(index + starts[at]!)))
        .join(isAny ? ' or ' : ' and ')})`,
  };
}

function phraseQuery(tokens: readonly string[], isPrefix: boolean): WordQuery | null {
  if (tokens.length === 0) return null;
  const phrase = `(${tokens.map(quoteToken).join(' <-> ')}${isPrefix ? ':*' : ''})`;
  return { whole: phrase, phrases: [phrase], condition: (show) => show(0) };
}
