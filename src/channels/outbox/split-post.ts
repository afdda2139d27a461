/**
 * Splits a long text into posts at the best boundary.
 *
 * K1: the pieces of the text, joined, are the text: nothing is lost, doubled or trimmed.
 * K2: no post is longer than the limit, counted as the chat counts.
 * K3: no grapheme is split (except one longer than a whole post), nor a link with a label.
 * K4: a code fence that continues in the next post is closed in this post and reopened in the next, with its language.
 *     Only these lines are added to the text.
 */
import { advance, countChars, type CharUnit } from './char-units.ts';
import { parseFenceLine, type Fence } from './code-fence.ts';

export interface PostPart {
  /** Text to post. */
  post: string;
  /** Start of the next part, in UTF-16 units. */
  end: number;
}

/** Minimum fill of a post: a boundary in the first half would make many small posts. */
const minFillRatio = 0.5;
/** Grapheme clusters of living languages and emoji are far shorter; longer ones are artificial. */
const clusterUnitsMax = 400;

/** `<url|label>`, and `[label](url)` where the chat has no markup for it. */
const labelledLink =
  /<(?:https?|mailto):[^>\n]*\|[^>\n]*>|\[[^[\]\n]{1,300}\]\((?:https?|mailto):[^\s()]{1,2000}\)/gi;
const sentenceEnd = /[.!?。！？…]+["'”’)\]]*\s+/g;

const segmenter = new Intl.Segmenter('ko', { granularity: 'grapheme' });

/** The part that begins at `offset`, which is 0 or the `end` of the part before. Pure. */
export function nextPart(
  text: string,
  offset: number,
  limit: number,
  unit: CharUnit = 'code-points',
): PostPart {
  // No post reaches beyond the limit: one pass up to there finds all fences needed below.
  const fenceAt = fencesUntil(text, advance(text, offset, limit, unit));
  const fence = fenceAt(offset);
  const head = fence === null ? '' : `${fence.line}\n`;
  const prefix = countChars(head, unit) * 3 > limit ? '' : head;
  const room = limit - countChars(prefix, unit);
  const windowEnd = advance(text, offset, room, unit);
  if (windowEnd === text.length) return { post: prefix + text.slice(offset), end: windowEnd };
  const open = findSplit(text, offset, windowEnd, false, fenceAt);
  const opened = fenceAt(open);
  if (opened === null) return { post: prefix + text.slice(offset, open), end: open };
  // The post ends within code: leave room for the closing line.
  const closing = opened.marker;
  if (countChars(closing, unit) * 3 > room) {
    return { post: prefix + text.slice(offset, open), end: open };
  }
  const shorter = advance(text, offset, room - countChars(closing, unit) - 1, unit);
  const end = findSplit(text, offset, shorter, true, fenceAt);
  const piece = text.slice(offset, end);
  if (fenceAt(end) === null) return { post: prefix + piece, end };
  return { post: `${prefix}${piece}${piece.endsWith('\n') ? '' : '\n'}${closing}`, end };
}

/** The best boundary at or before `windowEnd`. `isCode`: the window ends within code, so line ends are preferred. */
function findSplit(
  text: string,
  offset: number,
  windowEnd: number,
  isCode: boolean,
  fenceAt: FenceAt,
): number {
  const window = text.slice(offset, windowEnd);
  const earliest = Math.floor(window.length * minFillRatio);
  const blocked = unbreakableSpans(text, offset, windowEnd, fenceAt);
  const isEdge = graphemeBoundaries(text, offset, windowEnd);
  const fits = (at: number): boolean =>
    at > earliest &&
    at <= window.length &&
    isEdge(offset + at) &&
    !blocked.some(([from, to]) => offset + at > from && offset + at < to);
  const outside = (at: number): boolean => fits(at) && fenceAt(offset + at) === null;
  const lines = edgesAfter(window, /\n/g);
  const candidates: (() => number | undefined)[] = [
    () => edgesAfter(window, /\n(?:[ \t\r]*\n)+/g).findLast(outside),
    () => lines.findLast(outside),
    () => (isCode ? lines.findLast(fits) : undefined),
    () => edgesAfter(window, sentenceEnd).findLast(fits),
    () => edgesAfter(window, /\s/g).findLast(fits),
  ];
  for (const candidate of candidates) {
    const at = candidate();
    if (at !== undefined) return offset + at;
  }
  return graphemeBoundary(text, offset, windowEnd, blocked, isEdge);
}

/** Fallback without a boundary of the language: between graphemes, if possible outside of links and fence lines. */
function graphemeBoundary(
  text: string,
  offset: number,
  windowEnd: number,
  blocked: [from: number, to: number][],
  isEdge: (at: number) => boolean,
): number {
  let at = windowEnd;
  const block = blocked.find(([from, to]) => at > from && at < to);
  if (block !== undefined && block[0] > offset) [at] = block;
  while (at > offset && !isEdge(at)) at -= 1;
  if (at > offset) return at;
  // One cluster is longer than a post: split between code points at least.
  const isPair = /[\ud800-\udbff]/.test(text[windowEnd - 1] ?? '') && windowEnd - offset > 1;
  return isPair && /[\udc00-\udfff]/.test(text[windowEnd] ?? '') ? windowEnd - 1 : windowEnd;
}

const edgesAfter = (window: string, pattern: RegExp): number[] =>
  [...window.matchAll(pattern)].map((match) => match.index + match[0].length);

/** Returns whether a position is a grapheme boundary. `offset` must be one. */
function graphemeBoundaries(text: string, offset: number, end: number): (at: number) => boolean {
  const edges = new Set<number>([offset]);
  const slice = text.slice(offset, Math.min(text.length, end + clusterUnitsMax));
  for (const { index, segment } of segmenter.segment(slice)) {
    edges.add(offset + index + segment.length);
  }
  // The end of the slice may lie within a cluster.
  if (offset + slice.length < text.length) edges.delete(offset + slice.length);
  return (at) => edges.has(at);
}

/** Links and the lines that open or close code. */
function unbreakableSpans(
  text: string,
  offset: number,
  end: number,
  fenceAt: FenceAt,
): [from: number, to: number][] {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = text.indexOf('\n', end);
  const slice = text.slice(lineStart, lineEnd === -1 ? text.length : lineEnd);
  const spans: [number, number][] = [...slice.matchAll(labelledLink)].map(({ index, 0: link }) => [
    lineStart + index,
    lineStart + index + link.length,
  ]);
  let at = lineStart;
  for (const line of slice.split('\n')) {
    if (parseFenceLine(line, fenceAt(at)) !== null) spans.push([at, at + line.length + 1]);
    at += line.length + 1;
  }
  return spans;
}

/** The fence open at a position, or null. A position within the opening line is not in the fence yet. */
type FenceAt = (at: number) => Fence | null;

/** Finds all fences up to `end`. */
function fencesUntil(text: string, end: number): FenceAt {
  const changes: { from: number; fence: Fence | null }[] = [{ from: 0, fence: null }];
  for (let at = 0; at < end;) {
    const lineEnd = text.indexOf('\n', at);
    if (lineEnd === -1 || lineEnd >= end) break;
    const change = parseFenceLine(text.slice(at, lineEnd), changes.at(-1)!.fence);
    at = lineEnd + 1;
    if (change !== null) changes.push({ from: at, fence: change.after });
  }
  return (at) => {
    let [low, high] = [0, changes.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (changes[middle]!.from <= at) low = middle;
      else high = middle - 1;
    }
    return changes[low]!.fence;
  };
}
