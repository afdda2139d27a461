/** Cuts documents into the words of the index; long texts ahead of their write, so that nobody waits for it. */
import { othersTurn } from '../lib/others-turn.ts';
import type { Document } from './document.ts';
import type { IndexedWords } from './document-port.ts';
import { indexWords, wordSlices } from './search-words.ts';

/** Shorter texts are cut where they are stored: some milliseconds. */
const longChars = 20_000;

export interface WordCutter {
  /** Null for a deleted document: it is in no index. */
  wordsOf(document: Document): IndexedWords | null;
  /**
   * Runs `write`, which is going to store these texts, once they are cut into words: slice by slice, so that others
   * get in between. What else it stores is cut on the spot: it may compare, and store what is right by then.
   */
  ahead<Value>(texts: readonly (string | null | undefined)[], write: () => Value): Promise<Value>;
}

export function createWordCutter(): WordCutter {
  /** Words of texts, for the write that runs. */
  let ready: ReadonlyMap<string, string> = new Map();
  const words = (text: string): string => ready.get(text) ?? indexWords(text);
  return {
    wordsOf({ deletedAt, title, extractedText, mdContent }) {
      if (deletedAt !== null) return null;
      // A markdown file is its own markdown: indexed once, or its words would count double.
      const markdown = mdContent === extractedText ? '' : (mdContent ?? '');
      return { title: indexWords(title), body: words(extractedText), markdown: words(markdown) };
    },
    async ahead(texts, write) {
      const cut = new Map<string, string>();
      for (const text of new Set(texts)) {
        if ((text?.length ?? 0) >= longChars) cut.set(text!, await cutSlowly(text!));
      }
      ready = cut;
      try {
        return write();
      } finally {
        ready = new Map();
      }
    },
  };
}

async function cutSlowly(text: string): Promise<string> {
  const slices: string[] = [];
  for (const slice of wordSlices(text)) {
    slices.push(slice);
    await othersTurn();
  }
  return slices.join(' ');
}
