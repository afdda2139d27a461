/**
 * The index tokens of a document as texts of the type `tsvector`: the tokens are taken as they are, no parser of the
 * server splits or folds them.
 *
 * 1. No token and no phrase is lost at a limit of the server (https://www.postgresql.org/docs/current/textsearch-limitations.html):
 *    a vector has 16,383 positions, 255 of one token, and 1 MB. A long text becomes several pieces.
 * 2. A phrase is within one piece: each piece begins with the last tokens of the piece before.
 * 3. A phrase does not continue from the title into the text, or from the text into the markdown.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { storableText } from '#storage/postgres/storable-text';
import type { IndexedTokens } from '../../document-port.ts';

const positionsMax = 16_000;
/** Of one token in one vector. */
const repeatsMax = 250;
const bytesMax = 500_000;
/** The tokens of the longest query, which has 200 characters. */
const overlap = 200;
/** Positions between two columns. */
const columnGap = 5;

/** A longer token is no word; the server refuses more than 2,046 bytes. */
const tokenCharsMax = 500;

/** Column → weight letter. The text has the default, which is not written. */
const weights: Record<keyof IndexedTokens, string> = { title: 'A', body: '', markdown: 'C' };

/** For `ts_rank`, by the letters D, C, B, A: as the ranking on SQLite, a title counts five times a text. */
export const rankWeights = '{0.2, 0.1, 0.2, 1}';

/** Splits what the library has joined, and cuts what the server cannot store: for texts and queries alike. */
export const tokensIn = (text: string): string[] =>
  storableText(text)
    .split(/\s+/u)
    .flatMap((token) =>
      token === '' ? [] : [token.length > tokenCharsMax ? cutToken(token) : token],
    );

const cutToken = (token: string): string => storableText(token.slice(0, tokenCharsMax));

/** Doubles what quotes and escapes mean inside a quoted token, of a vector and of a query. */
export const quoteToken = (token: string): string => `'${token.replaceAll(/['\\]/g, '$&$&')}'`;

interface PlacedToken {
  token: string;
  weight: string;
  /** Positions to the token before. */
  step: number;
}

/** Texts of one or more vectors; none for a document without tokens. Yields to the event loop after each piece. */
export async function wordVectors(tokens: IndexedTokens): Promise<string[]> {
  const placed = await placeTokens(tokens);
  // A text that repeats itself has equal pieces.
  const vectors = new Set<string>();
  for (let start = 0; start < placed.length;) {
    const { vector, end } = pieceFrom(placed, start);
    vectors.add(vector);
    if (end === placed.length) break;
    start = end - overlap;
    await yieldToEventLoop();
  }
  return [...vectors];
}

/** Characters of tokens that are placed at once: some milliseconds. */
const sliceChars = 100_000;

async function placeTokens(tokens: IndexedTokens): Promise<PlacedToken[]> {
  const placed: PlacedToken[] = [];
  for (const column of ['title', 'body', 'markdown'] as const) {
    let step = columnGap;
    for (const slice of slicesOf(tokens[column])) {
      for (const token of tokensIn(slice)) {
        placed.push({ token, weight: weights[column], step });
        step = 1;
      }
      if (slice.length >= sliceChars) await yieldToEventLoop();
    }
  }
  return placed;
}

/** Ends between two tokens. */
function* slicesOf(text: string): Generator<string, undefined> {
  for (let start = 0; start < text.length;) {
    const space = text.indexOf(' ', start + sliceChars);
    const end = space < 0 ? text.length : space;
    yield text.slice(start, end);
    start = end;
  }
}

/** The piece that begins with the token `start`, and the index after its last token. It has more tokens than `overlap`. */
function pieceFrom(placed: readonly PlacedToken[], start: number): { vector: string; end: number } {
  const places = new Map<string, string[]>();
  let [position, bytes, end] = [0, 0, start];
  for (; end < placed.length; end += 1) {
    const { token, weight, step } = placed[end]!;
    position += step;
    const at = places.get(token) ?? [];
    if (at.length === 0) places.set(token, at);
    bytes += 2 + (at.length === 0 ? Buffer.byteLength(token) + 8 : 0);
    if (position > positionsMax || at.length === repeatsMax || bytes > bytesMax) break;
    at.push(`${position}${weight}`);
  }
  const lexemes = [...places].filter(([, at]) => at.length > 0);
  const vector = lexemes.map(([token, at]) => `${quoteToken(token)}:${at.join(',')}`).join(' ');
  return { vector, end };
}
