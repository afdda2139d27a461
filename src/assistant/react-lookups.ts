/**
 * The look-ups of an ask: searches and documents read, each as the text that a model sees. In the asker's own
 * library only. A look-up that fails costs itself. What has been shown of a document is not shown again: reading
 * goes on behind it.
 */
import type {
  AskSource,
  FoundSource,
  LookupCall,
  LookupResult,
  PlannedLookup,
} from '../../machines/ask-types.ts';
import { messageOf } from '../lib/errors.ts';
import { clipText } from '../routing/plain-text.ts';
import {
  findSources,
  passageWords,
  type AskLibrary,
  type FoundDocument,
  type Passage,
  type PassageStart,
} from './find-sources.ts';
import { shownText } from './shown-text.ts';

/** What a run has shown of each document: from character, to character. */
export type ShownParts = Map<string, [from: number, to: number][]>;

export interface LookupContext {
  library: AskLibrary;
  userId: string;
  /** The question: where to read in a document. */
  query: string;
  /** Grows with every look-up. */
  shown: ShownParts;
  signal: AbortSignal;
}

interface Shown {
  source: FoundSource;
  start: PassageStart;
}

interface Result {
  n: number;
  id: string;
  title: string;
  /** `1200-3100 of 17000`: which characters these are; left out where it is all. */
  chars?: string;
  text: string;
}

const titleCharsMax = 120;
const snippetChars = 160;

/** All look-ups of a round, side by side; the results in their order, with the numbers of their sources. */
export async function lookUp(call: LookupCall, context: LookupContext): Promise<LookupResult[]> {
  const { plan, charsMax, sources } = call;
  const done = await Promise.all(plan.map((one) => run(one, context)));
  let numbers = sources.map(({ id }) => id);
  return done.map(({ callId, query, found, failed }) => {
    if (found === null) return { callId, ok: false, detail: failed };
    const seen = [...new Set([...numbers, ...found.shown.map(({ source }) => source.id)])];
    try {
      const content = contentOf(found, (id) => seen.indexOf(id) + 1, charsMax, context);
      numbers = seen;
      return { callId, ok: true, query, sources: found.shown.map(({ source }) => source), content };
    } catch (error) {
      return { callId, ok: false, detail: messageOf(error) };
    }
  });
}

/** What a search that was made elsewhere looks like to the model; its sources are numbered from 1. */
export function foundContent(
  hits: readonly FoundSource[],
  isExact: boolean,
  charsMax: number,
  context: Omit<LookupContext, 'signal'>,
): string {
  const words = passageWords(context.query);
  const shown = hits.map((source) => ({ source, start: { words } }));
  const numberOf = (id: string): number => hits.findIndex((hit) => hit.id === id) + 1;
  return contentOf({ shown, isExact }, numberOf, charsMax, context);
}

interface Done {
  callId: string;
  query: string;
  /** Null: it failed, `failed` says why. */
  found: { shown: Shown[]; isExact: boolean } | null;
  failed: string;
}

async function run({ callId, lookup }: PlannedLookup, context: LookupContext): Promise<Done> {
  const { library, userId, signal } = context;
  const query = lookup.kind === 'search' ? lookup.query : context.query;
  try {
    if (lookup.kind === 'read') {
      const one = readOne(lookup.id, lookup.from, context);
      const failed = one === null ? 'the user has no document with this id' : '';
      return { callId, query, found: one && { shown: [one], isExact: true }, failed };
    }
    const { limit } = lookup;
    const { hits, isExact } = await findSources(library, { userId, query, limit, signal });
    const words = passageWords(query);
    const shown = hits.map(({ id, title, snippet, at }: FoundDocument) => ({
      source: { id, title, snippet },
      start: { words, at },
    }));
    return { callId, query, found: { shown, isExact }, failed: '' };
  } catch (error) {
    return { callId, query, found: null, failed: messageOf(error) };
  }
}

function readOne(id: string, from: number | undefined, context: LookupContext): Shown | null {
  const { library, userId, query, shown } = context;
  const title = library.title(userId, id);
  if (title === null) return null;
  const words = passageWords(query);
  const best = library.passage(userId, id, { words }, snippetChars);
  const snippet = best === null ? '' : shownText(best).replace(/\s+/g, ' ').trim();
  const begin = from ?? (best === null ? undefined : behindShown(best, shown.get(id) ?? []));
  return { source: { id, title, snippet }, start: { words, from: begin } };
}

/**
 * Where to read on in a document whose best place has been shown: behind that; at its beginning where nothing is
 * behind it. Undefined where the best place is new.
 */
function behindShown(
  best: Passage,
  parts: readonly (readonly [number, number])[],
): number | undefined {
  const middle = (best.from + best.to) / 2;
  if (!parts.some(([from, to]) => from <= middle && middle <= to)) return undefined;
  let end = middle;
  for (const [from, to] of parts.toSorted(([a], [b]) => a - b)) {
    if (from <= end && to > end) end = to;
  }
  return end < best.length ? end : 0;
}

/** JSON of at most `charsMax` characters: what is around the texts is counted, the texts share the rest. */
function contentOf(
  { shown, isExact }: { shown: readonly Shown[]; isExact: boolean },
  numberOf: (id: AskSource['id']) => number,
  charsMax: number,
  context: Omit<LookupContext, 'signal'>,
): string {
  const note = shown.length === 0 ? 'nothing found' : 'no document fits exactly; merely similar';
  const head = shown.length === 0 || !isExact ? { note } : {};
  const titleMax = Math.min(titleCharsMax, Math.floor(charsMax / (4 * Math.max(1, shown.length))));
  // As long as any can be, so that the frame is never longer than what was counted.
  const widest = '0000000-0000000 of 0000000';
  const empty = shown.map(({ source: { id, title } }): Result => {
    const clipped = clipText(title, titleMax).toWellFormed();
    return { n: numberOf(id), id, title: clipped, chars: widest, text: '' };
  });
  const frame = JSON.stringify({ ...head, results: empty }).length;
  const share = Math.max(0, Math.floor((charsMax - frame) / Math.max(1, shown.length)));
  const results = shown.map(({ source, start }, index): Result => {
    const { chars: _, ...result } = empty[index]!;
    const passage = fitting(source.id, start, share, context);
    if (passage === null) return { ...result, text: clipText(source.snippet, share) };
    const { from, to, length } = passage;
    const parts = context.shown.get(source.id) ?? [];
    context.shown.set(source.id, [...parts, [from, to]]);
    const isWhole = from === 0 && to === length;
    const chars = isWhole ? {} : { chars: `${from}-${to} of ${length}` };
    return { ...result, ...chars, text: shownText(passage) };
  });
  return JSON.stringify({ ...head, results });
}

/** The passage that has at most `room` characters as JSON: escapes make it longer than it is. */
function fitting(
  id: string,
  start: PassageStart,
  room: number,
  { library, userId }: Pick<LookupContext, 'library' | 'userId'>,
): Passage | null {
  let passage = library.passage(userId, id, start, room);
  for (let charsMax = room; passage !== null;) {
    const length = JSON.stringify(shownText(passage)).length - 2;
    if (length <= room || charsMax < 1) return passage;
    charsMax = Math.min(charsMax - 1, Math.floor((charsMax * room) / length));
    // From where it began: the place was chosen already.
    passage = library.passage(userId, id, { ...start, from: passage.from }, charsMax);
  }
  return null;
}
