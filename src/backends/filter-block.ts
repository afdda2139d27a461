/** A stretch of an answer between two markers that is not plain visible text. */
import { messageEnds } from '../lib/special-tokens.ts';
import { markerSet, type MarkerSet } from './marker-set.ts';
import { turnTokens } from './outside-markers.ts';
import type { MarkupPair } from './thinking-markup.ts';

/**
 * `thought`: hidden; without a close the answer was cut. `late`: a thought behind visible text, shown when it has no
 * close. `hidden`: dropped. `verbatim`: shown as it is. `call`: the arguments of a tool call.
 */
export type BlockKind = 'thought' | 'late' | 'hidden' | 'verbatim' | 'call';

export interface Block {
  kind: BlockKind;
  closes: MarkerSet;
  /** A tag that people write as well opened it, so the block may speak of its close. */
  isTag: boolean;
  /** What is in it, for `late` and `call`; else its last character. */
  text: string;
  /** Of a `call`: the function, null for a tool of the model's own runtime. */
  callee: string | null;
}

const known = new WeakMap<MarkupPair, MarkerSet>();

/** A block between the markers of a pair. */
export function pairBlock(kind: BlockKind, pair: MarkupPair): Block {
  const closes = known.get(pair) ?? markerSet(pair.closes, false);
  known.set(pair, closes);
  return { kind, closes, isTag: pair.where === 'lead', text: '', callee: null };
}

const toTheEnd = markerSet([], false);

/** A printed call in tokens that are not known. */
export const openCall = (): Block => ({
  kind: 'verbatim',
  closes: toTheEnd,
  isTag: false,
  text: '',
  callee: null,
});

const toMessageEnd = markerSet([...messageEnds, ...turnTokens], false);
const toNextTurn = markerSet(turnTokens, false);

/** A block that ends with its message; one of somebody else's turn ends where the next turn begins. */
export const messageBlock = (
  kind: 'thought' | 'call' | 'foreign',
  callee: string | null = null,
): Block => ({
  kind: kind === 'foreign' ? 'hidden' : kind,
  closes: kind === 'foreign' ? toNextTurn : toMessageEnd,
  isTag: false,
  text: '',
  callee,
});
