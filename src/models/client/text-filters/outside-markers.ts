/** The meaning of markers outside of a block. */
import {
  answerDelimiters,
  edgeTokens,
  otherRoleTokens,
  headerEnds,
  headerTokens,
  messageEnds,
  namedTokens,
  assistantRoleTokens,
} from '#shared/text/special-tokens';
import { asciiLower, createMarkerSet, type MarkerSet } from './marker-set.ts';
import type { Markup, MarkupPair } from './thinking-markup.ts';

export type Marker =
  | { role: 'open' | 'close'; pair: MarkupPair }
  | { role: 'answer-open' | 'answer-close'; close: string }
  | { role: 'header'; line: boolean }
  | { role: 'foreign' | 'own' | 'edge' | 'token' };

export interface OutsideMarkers {
  set: MarkerSet;
  /** By the marker in lower case; a marker that is not listed is a special token. */
  meaning: ReadonlyMap<string, Marker>;
}

/** The text between thinking and answer of gpt-oss when its special tokens were stripped. */
export const strippedFinal = 'assistantfinal';

/** Tokens that begin another message, and therefore end an open block. */
export const messageStartTokens: readonly string[] = [
  ...headerTokens.map(({ token }) => token),
  ...otherRoleTokens,
  ...assistantRoleTokens,
];

const outsideMarkersByMarkup = new WeakMap<Markup, OutsideMarkers>();

/** The markers of a markup; built once per markup. */
export function outsideMarkers(markup: Markup): OutsideMarkers {
  const found = outsideMarkersByMarkup.get(markup) ?? buildOutsideMarkers(markup);
  outsideMarkersByMarkup.set(markup, found);
  return found;
}

/** Later rows win: a token that opens a block is more specific than any token. */
function buildOutsideMarkers({ pairs, literals }: Markup): OutsideMarkers {
  const literalKeys = new Set([...literals, ...messageEnds].map(asciiLower));
  const rows: (readonly [string, Marker])[] = [
    ...[...literals, ...namedTokens].map((text) => [text, { role: 'token' }] as const),
    ...edgeTokens.map((text) => [text, { role: 'edge' }] as const),
    ...otherRoleTokens.map((text) => [text, { role: 'foreign' }] as const),
    ...assistantRoleTokens.map((text) => [text, { role: 'own' }] as const),
    ...headerTokens.map(({ token, line }) => [token, { role: 'header', line }] as const),
    ...answerDelimiters.flatMap(({ open, closes: [close = ''] }) => [
      [open, { role: 'answer-open', close: asciiLower(close) }] as const,
      [close, { role: 'answer-close', close: asciiLower(close) }] as const,
    ]),
    // Only the first closing marker belongs to this pair alone.
    ...pairs.flatMap((pair): [string, Marker][] => {
      const [close] = pair.closes;
      const isOwn = close !== undefined && !literalKeys.has(asciiLower(close));
      const isTurn = messageStartTokens.some((token) => close?.startsWith(token));
      return isOwn && !isTurn ? [[close, { role: 'close', pair }]] : [];
    }),
    ...pairs.map((pair) => [pair.open, { role: 'open', pair }] as const),
  ];
  const meaning = new Map(rows.map(([text, marker]) => [asciiLower(text), marker]));
  return { set: createMarkerSet([...meaning.keys()], true), meaning };
}

/** The markers for an answer of gpt-oss whose special tokens were stripped. */
export const strippedSet: MarkerSet = createMarkerSet([strippedFinal], true);

/** The markers that end the header of a message. */
export const headerEndSet = (line: boolean): MarkerSet =>
  createMarkerSet(line ? [...headerEnds, '\n'] : headerEnds, true);
