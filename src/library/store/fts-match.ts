/**
 * A search as an FTS5 query (https://sqlite.org/fts5.html, 3). It consists of quoted phrases, AND, OR and brackets: no
 * word of a user is parsed as query syntax.
 */
import type { SearchTerm } from '../document-port.ts';

export function toFtsMatch(term: SearchTerm, isNested = false): string {
  if ('words' in term) {
    // A query ends for FTS5 at U+0000, inside of quotes too.
    const words = term.words.join(' ').replaceAll('\0', ' ').replaceAll('"', '""');
    return `"${words}"${term.isPrefix ? '*' : ''}`;
  }
  const isAny = 'any' in term;
  const parts = (isAny ? term.any : term.all).map((one) => toFtsMatch(one, true));
  const match = parts.join(isAny ? ' OR ' : ' AND ');
  return isAny || isNested ? `(${match})` : match;
}
