/** The index tokens of a document. Long texts are tokenized slice by slice, with yields to the event loop in between. */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { Document } from '../document.ts';
import type { IndexedTokens } from '../document-port.ts';
import { tokenizeForIndex, tokenizeInSlices } from './fts-terms.ts';

/** Shorter texts are tokenized at once: some milliseconds. */
const longChars = 20_000;

/**
 * Null for a deleted document: it is in no index.
 * @param known tokens of long texts by text; those of this document are added
 */
export async function tokensOf(
  { deletedAt, title, extractedText, mdContent }: Document,
  known: Map<string, string>,
): Promise<IndexedTokens | null> {
  if (deletedAt !== null) return null;
  const tokens = async (text: string): Promise<string> => {
    if (text.length < longChars) return tokenizeForIndex(text);
    const tokenized = known.get(text) ?? (await tokenizeYielding(text));
    known.set(text, tokenized);
    return tokenized;
  };
  // A markdown file is its own markdown: it is indexed once, otherwise its words would count double.
  const markdown = mdContent === extractedText ? '' : (mdContent ?? '');
  return {
    title: tokenizeForIndex(title),
    body: await tokens(extractedText),
    markdown: await tokens(markdown),
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
