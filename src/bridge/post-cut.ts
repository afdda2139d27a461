/**
 * Cuts a long text into posts, at the best edge that there is.
 *
 * K1: the pieces of the text, joined, are the text: nothing is lost, doubled or trimmed.
 * K2: no post is longer than the limit, counted in code points.
 * K3: no grapheme is cut (but one that is longer than a whole post), nor a link of the chat's.
 * K4: a fence of code that goes on in the next post is closed in this one and opened again in the next, with
 *     its language; these lines are the only thing a post has that the text has not.
 */
import { fenceOf, type Fence } from './code-fence.ts';

export interface PostPart {
  /** What is posted. */
  post: string;
  /** Where the next part begins, in UTF-16 units. */
  end: number;
}

/** Of the text before: an edge in the first half would make many small posts. */
const earliestShare = 0.5;
/** Grapheme clusters of living languages and emoji are far shorter; longer ones are made to be long. */
const clusterUnitsMax = 400;

const chatLink = /<(?:https?|mailto):[^>\n]*\|[^>\n]*>/gi;
const sentenceEnd = /[.!?。！？…]+["'”’)\]]*\s+/g;

const segmenter = new Intl.Segmenter('ko', { granularity: 'grapheme' });

/** The part of the text that begins at `offset`, which is 0 or the `end` of the part before. Pure. */
export function partAt(text: string, offset: number, limit: number): PostPart {
  // No post reaches further than the limit: one pass over the lines tells all that is asked below.
  const fenceAt = fencesUntil(text, advance(text, offset, limit));
  const fence = fenceAt(offset);
  const head = fence === null ? '' : `${fence.line}\n`;
  const prefix = codePoints(head) * 3 > limit ? '' : head;
  const room = limit - codePoints(prefix);
  const windowEnd = advance(text, offset, room);
  if (windowEnd === text.length) return { post: prefix + text.slice(offset), end: windowEnd };
  const open = cutAt(text, offset, windowEnd, false, fenceAt);
  const opened = fenceAt(open);
  if (opened === null) return { post: prefix + text.slice(offset, open), end: open };
  // It ends within code: room for the line that closes it.
  const closing = opened.marker;
  if (codePoints(closing) * 3 > room) {
    return { post: prefix + text.slice(offset, open), end: open };
  }
  const shorter = advance(text, offset, room - codePoints(closing) - 1);
  const end = cutAt(text, offset, shorter, true, fenceAt);
  const piece = text.slice(offset, end);
  if (fenceAt(end) === null) return { post: prefix + piece, end };
  return { post: `${prefix}${piece}${piece.endsWith('\n') ? '' : '\n'}${closing}`, end };
}

export const codePoints = (text: string): number => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

/** The best edge at or before `windowEnd`. `isCode`: the window ends within code, where lines are what matters. */
function cutAt(
  text: string,
  offset: number,
  windowEnd: number,
  isCode: boolean,
  fenceAt: FenceAt,
): number {
  const window = text.slice(offset, windowEnd);
  const earliest = Math.floor(window.length * earliestShare);
  const blocked = unbreakable(text, offset, windowEnd, fenceAt);
  const isEdge = graphemeEdges(text, offset, windowEnd);
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
  return hardEdge(text, offset, windowEnd, blocked, isEdge);
}

/** No edge of the language: between two graphemes, outside of links and fence lines where that is possible. */
function hardEdge(
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
  // One cluster longer than a post: between code points at least.
  const isPair = /[\ud800-\udbff]/.test(text[windowEnd - 1] ?? '') && windowEnd - offset > 1;
  return isPair && /[\udc00-\udfff]/.test(text[windowEnd] ?? '') ? windowEnd - 1 : windowEnd;
}

const edgesAfter = (window: string, pattern: RegExp): number[] =>
  [...window.matchAll(pattern)].map((match) => match.index + match[0].length);

/** Where the text between may be cut without cutting a grapheme. `offset` is such a place. */
function graphemeEdges(text: string, offset: number, end: number): (at: number) => boolean {
  const edges = new Set<number>([offset]);
  const slice = text.slice(offset, Math.min(text.length, end + clusterUnitsMax));
  for (const { index, segment } of segmenter.segment(slice)) {
    edges.add(offset + index + segment.length);
  }
  // The slice's own end is no edge of the text.
  if (offset + slice.length < text.length) edges.delete(offset + slice.length);
  return (at) => edges.has(at);
}

/** Links and the lines that open or close code. */
function unbreakable(
  text: string,
  offset: number,
  end: number,
  fenceAt: FenceAt,
): [from: number, to: number][] {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = text.indexOf('\n', end);
  const slice = text.slice(lineStart, lineEnd === -1 ? text.length : lineEnd);
  const spans: [number, number][] = [...slice.matchAll(chatLink)].map(({ index, 0: link }) => [
    lineStart + index,
    lineStart + index + link.length,
  ]);
  let at = lineStart;
  for (const line of slice.split('\n')) {
    if (fenceOf(line, fenceAt(at)) !== null) spans.push([at, at + line.length + 1]);
    at += line.length + 1;
  }
  return spans;
}

/** The fence that is open at this place, or null. A place within the opening line is not in it yet. */
type FenceAt = (at: number) => Fence | null;

/** Knows the fences at all places up to `end`. */
function fencesUntil(text: string, end: number): FenceAt {
  const changes: { from: number; fence: Fence | null }[] = [{ from: 0, fence: null }];
  for (let at = 0; at < end;) {
    const lineEnd = text.indexOf('\n', at);
    if (lineEnd === -1 || lineEnd >= end) break;
    const change = fenceOf(text.slice(at, lineEnd), changes.at(-1)!.fence);
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

/** The place `count` code points after `offset`, or the end of the text. */
function advance(text: string, offset: number, count: number): number {
  let at = offset;
  for (let left = Math.max(1, count); left > 0 && at < text.length; left -= 1) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
  return at;
}
