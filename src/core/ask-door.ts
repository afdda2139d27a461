/** Questions to the documents as the HTTP routes see them: library, backends and clock put together. */
import { createAsk, type Ask, type AskLibrary } from '../assistant/ask.ts';
import type { Config } from '../config/config.ts';
import type { Library } from '../documents/library.ts';
import { queryWords } from '../documents/search-words.ts';
import { snippetOf } from '../documents/snippet.ts';
import type { Clock } from '../lib/clock.ts';
import type { BackendPool } from './backend-pool.ts';
import { dispatch } from './dispatch.ts';

export function createAskDoor(parts: {
  config: Config;
  library: Library;
  pool: BackendPool;
  clock: Clock;
}): Ask {
  const { config, library, pool, clock } = parts;
  return createAsk({
    library: askLibrary(library),
    dispatch: (name) => dispatch(pool, name, 'ask'),
    clock,
    timeZone: config.timezone,
  });
}

const askLibrary = (library: Library): AskLibrary => ({
  search(userId, query, limit) {
    const { hits, isExact } = library.search(userId, query, limit);
    return { hits: hits.map(({ id, title, snippet }) => ({ id, title, snippet })), isExact };
  },
  passage(userId, id, words, charsMax) {
    const document = library.get(userId, id);
    if (document === null) return null;
    const { extractedText, mdContent } = document;
    const text = extractedText.trim() === '' ? (mdContent ?? '') : extractedText;
    // Whole, with its lines, where it fits; else one line of what stands around the words.
    return text.length <= charsMax ? text : snippetOf(text, queryWords(words), charsMax);
  },
});
