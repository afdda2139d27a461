/** Tokenizes documents for the index; long texts before their write, so that it does not block the event loop. */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { Document } from '../document.ts';
import type { IndexedTokens } from '../document-port.ts';
import { tokenizeForIndex, tokenizeInSlices } from './fts-terms.ts';

/** Shorter texts are tokenized when they are stored: some milliseconds. */
const longChars = 20_000;

export interface IncrementalTokenizer {
  /** Null for a deleted document: it is in no index. */
  tokensOf(document: Document): IndexedTokens | null;
  /**
   * Tokenizes these texts slice by slice, with yields in between, then runs `write`, which stores them. Other texts
   * that it stores are tokenized on the spot: `write` may compare, and store what is right by then.
   */
  tokenizeBefore<Value>(
    texts: readonly (string | null | undefined)[],
    write: () => Value,
  ): Promise<Value>;
}

export function createIncrementalTokenizer(): IncrementalTokenizer {
  /** Tokens by text, for the running `write`. */
  let pretokenized: ReadonlyMap<string, string> = new Map();
  const words = (text: string): string => pretokenized.get(text) ?? tokenizeForIndex(text);
  return {
    tokensOf({ deletedAt, title, extractedText, mdContent }) {
      if (deletedAt !== null) return null;
      // A markdown file is its own markdown: it is indexed once, otherwise its words would count double.
      const markdown = mdContent === extractedText ? '' : (mdContent ?? '');
      return {
        title: tokenizeForIndex(title),
        body: words(extractedText),
        markdown: words(markdown),
      };
    },
    async tokenizeBefore(texts, write) {
      const tokenized = new Map<string, string>();
      for (const text of new Set(texts)) {
        if ((text?.length ?? 0) >= longChars) tokenized.set(text!, await tokenizeYielding(text!));
      }
      pretokenized = tokenized;
      try {
        return write();
      } finally {
        pretokenized = new Map();
      }
    },
  };
}

async function tokenizeYielding(text: string): Promise<string> {
  const slices: string[] = [];
  for (const slice of tokenizeInSlices(text)) {
    slices.push(slice);
    await yieldToEventLoop();
  }
  return slices.join(' ');
}
