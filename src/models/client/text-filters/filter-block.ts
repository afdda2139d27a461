/** A block of an answer between two markers that is not plain visible text. */
import { messageEnds } from '#shared/text/special-tokens';
import { createMarkerSet, type MarkerSet } from './marker-set.ts';
import { messageStartTokens } from './outside-markers.ts';
import type { MarkupPair } from './thinking-markup.ts';

/**
 * `thought`: hidden; without a close the answer was truncated. `late`: thinking after visible text, shown when it has
 * no close. `hidden`: dropped. `verbatim`: shown unchanged. `call`: the arguments of a tool call.
 */
export type BlockKind = 'thought' | 'late' | 'hidden' | 'verbatim' | 'call';

export interface Block {
  kind: BlockKind;
  closes: MarkerSet;
  /** A tag that normal text may contain opened it, so the block may mention its own closing tag. */
  isTag: boolean;
  /** The content, for `late` and `call`; otherwise its last character. */
  text: string;
  /** Name of the function of a `call`; null for a built-in tool of the model's runtime. */
  callee: string | null;
}

const markerSetByPair = new WeakMap<MarkupPair, MarkerSet>();

/** A block that a marker of the pair closes. */
export function pairBlock(kind: BlockKind, pair: MarkupPair): Block {
  const closes = markerSetByPair.get(pair) ?? createMarkerSet(pair.closes, false);
  markerSetByPair.set(pair, closes);
  return { kind, closes, isTag: pair.where === 'lead', text: '', callee: null };
}

const toTheEnd = createMarkerSet([], false);

/** A printed call in unknown special tokens: it extends to the end of the text. */
export const unterminatedCallBlock = (): Block => ({
  kind: 'verbatim',
  closes: toTheEnd,
  isTag: false,
  text: '',
  callee: null,
});

const toMessageEnd = createMarkerSet([...messageEnds, ...messageStartTokens], false);
const toNextMessageStart = createMarkerSet(messageStartTokens, false);

/** A block that ends with its message; a `foreign` block ends where the next message begins. */
export const messageBlock = (
  kind: 'thought' | 'call' | 'foreign',
  callee: string | null = null,
): Block => ({
  kind: kind === 'foreign' ? 'hidden' : kind,
  closes: kind === 'foreign' ? toNextMessageStart : toMessageEnd,
  isTag: false,
  text: '',
  callee,
});
