/** What the markers mean that stand outside of a block. */
import {
  answerMarks,
  edgeTokens,
  foreignTurns,
  headerEnds,
  headerTokens,
  messageEnds,
  namedTokens,
  ownTurns,
} from '../lib/special-tokens.ts';
import { asciiLower, markerSet, type MarkerSet } from './marker-set.ts';
import type { Markup, MarkupPair } from './thinking-markup.ts';

export type Marker =
  | { role: 'open' | 'close'; pair: MarkupPair }
  | { role: 'answer-open' | 'answer-close'; close: string }
  | { role: 'header'; line: boolean }
  | { role: 'foreign' | 'own' | 'edge' | 'token' };

export interface OutsideMarkers {
  set: MarkerSet;
  /** By the marker in lower case; what is not in it is a special token. */
  meaning: ReadonlyMap<string, Marker>;
}

/** The word by which gpt-oss passes to its answer where its special tokens were stripped. */
export const strippedFinal = 'assistantfinal';

/** Tokens that begin another message, and so end a block in which they stand. */
export const turnTokens: readonly string[] = [
  ...headerTokens.map(({ token }) => token),
  ...foreignTurns,
  ...ownTurns,
];

const known = new WeakMap<Markup, OutsideMarkers>();

/** The markers of a markup; put together once for each. */
export function outsideMarkers(markup: Markup): OutsideMarkers {
  const found = known.get(markup) ?? readMarkup(markup);
  known.set(markup, found);
  return found;
}

/** Later rows win: a token that opens a block is not just any token. */
function readMarkup({ pairs, literals }: Markup): OutsideMarkers {
  const literalKeys = new Set([...literals, ...messageEnds].map(asciiLower));
  const rows: (readonly [string, Marker])[] = [
    ...[...literals, ...namedTokens].map((text) => [text, { role: 'token' }] as const),
    ...edgeTokens.map((text) => [text, { role: 'edge' }] as const),
    ...foreignTurns.map((text) => [text, { role: 'foreign' }] as const),
    ...ownTurns.map((text) => [text, { role: 'own' }] as const),
    ...headerTokens.map(({ token, line }) => [token, { role: 'header', line }] as const),
    ...answerMarks.flatMap(({ open, closes: [close = ''] }) => [
      [open, { role: 'answer-open', close: asciiLower(close) }] as const,
      [close, { role: 'answer-close', close: asciiLower(close) }] as const,
    ]),
    // Only the first close belongs to the pair alone.
    ...pairs.flatMap((pair): [string, Marker][] => {
      const [close] = pair.closes;
      const isOwn = close !== undefined && !literalKeys.has(asciiLower(close));
      const isTurn = turnTokens.some((token) => close?.startsWith(token));
      return isOwn && !isTurn ? [[close, { role: 'close', pair }]] : [];
    }),
    ...pairs.map((pair) => [pair.open, { role: 'open', pair }] as const),
  ];
  const meaning = new Map(rows.map(([text, marker]) => [asciiLower(text), marker]));
  return { set: markerSet([...meaning.keys()], true), meaning };
}

/** What is looked for in a text that begins like one of gpt-oss without its special tokens. */
export const strippedSet: MarkerSet = markerSet([strippedFinal], true);

/** What ends the header of a message. */
export const headerEndSet = (line: boolean): MarkerSet =>
  markerSet(line ? [...headerEnds, '\n'] : headerEnds, true);
