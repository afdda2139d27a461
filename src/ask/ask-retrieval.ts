/**
 * The look-ups of an ask: searches and document reads, each formatted as the text that the model sees. Only in the
 * asker's own library. A failed look-up does not affect the others. Passages already shown are not repeated: reading
 * continues after them.
 */
import type { Passage } from '#shared/text/passage';
import type {
  AskSource,
  FoundSource,
  LookupCall,
  LookupResult,
  PlannedLookup,
} from '#machines/ask-types';
import { messageOf } from '#shared/errors';
import { truncateText } from '#language/normalize-text';
import { readExternal, type ExternalRead } from './external-reads.ts';
import {
  formatPassage,
  retrieveSources,
  passageQuery,
  type RetrievalStore,
  type FoundDocument,
  type PassageStart,
} from './retrieval.ts';

/** The ranges of each document that a run has shown: from character, to character. */
export type ShownRanges = Map<string, [from: number, to: number][]>;

export interface LookupContext {
  library: RetrievalStore;
  userId: string;
  /** The question: it selects the passage of a document. */
  query: string;
  /** Each look-up adds to it. */
  shownRanges: ShownRanges;
  signal: AbortSignal;
  /** The offered reads of other programs, and their time in ms. */
  reads: readonly ExternalRead[];
  readMs: number;
}

type SearchContext = Omit<LookupContext, 'signal' | 'reads' | 'readMs'>;

interface RetrievedSource {
  source: FoundSource;
  start: PassageStart;
}

interface FormattedResult {
  n: number;
  id: string;
  title: string;
  /** `1200-3100 of 17000`: the range of characters; omitted for the whole text. */
  chars?: string;
  text: string;
}

const titleCharsMax = 120;
const snippetChars = 160;

/** Runs all look-ups of a round concurrently; returns the results in order, with the numbers of their sources. */
export async function retrieve(call: LookupCall, context: LookupContext): Promise<LookupResult[]> {
  const { plan, charsMax, sources } = call;
  const { reads, readMs: limitMs, signal } = context;
  const done = await Promise.all(
    plan.map(({ callId, lookup }) =>
      lookup.kind === 'external'
        ? readExternal({ callId, lookup }, reads, { charsMax, limitMs, signal })
        : runLookup({ callId, lookup }, context),
    ),
  );
  let numbers = sources.map(({ id }) => id);
  const results: LookupResult[] = [];
  for (const one of done) {
    if ('ok' in one) {
      results.push(one);
      continue;
    }
    const { callId, query, found, failed } = one;
    if (found === null) {
      results.push({ callId, ok: false, detail: failed });
      continue;
    }
    const seen = [...new Set([...numbers, ...found.shown.map(({ source }) => source.id)])];
    try {
      const content = await formatResults(found, (id) => seen.indexOf(id) + 1, charsMax, context);
      numbers = seen;
      const shown = found.shown.map(({ source }) => source);
      results.push({ callId, ok: true, query, sources: shown, content });
    } catch (error) {
      results.push({ callId, ok: false, detail: messageOf(error) });
    }
  }
  return results;
}

/** Formats the result of an earlier search for the model; its sources are numbered from 1. */
export function formatSearchResult(
  hits: readonly FoundSource[],
  isExact: boolean,
  charsMax: number,
  context: SearchContext,
): Promise<string> {
  const words = passageQuery(context.query);
  const shown = hits.map((source) => ({ source, start: { words } }));
  const numberOf = (id: string): number => hits.findIndex((hit) => hit.id === id) + 1;
  return formatResults({ shown, isExact }, numberOf, charsMax, context);
}

interface LookupOutcome {
  callId: string;
  query: string;
  /** Null: the look-up failed with the reason `failed`. */
  found: { shown: RetrievedSource[]; isExact: boolean } | null;
  failed: string;
}

async function runLookup(
  { callId, lookup }: PlannedLookup & { lookup: { kind: 'search' | 'read' } },
  context: LookupContext,
): Promise<LookupOutcome> {
  const { library, userId, signal } = context;
  const query = lookup.kind === 'search' ? lookup.query : context.query;
  try {
    if (lookup.kind === 'read') {
      const one = await readDocument(lookup.id, lookup.from, context);
      const failed = one === null ? 'the user has no document with this id' : '';
      return { callId, query, found: one && { shown: [one], isExact: true }, failed };
    }
    const { limit } = lookup;
    const { hits, isExact } = await retrieveSources(library, { userId, query, limit, signal });
    const words = passageQuery(query);
    const shown = hits.map(({ id, title, snippet, at }: FoundDocument) => ({
      source: { id, title, snippet },
      start: { words, at },
    }));
    return { callId, query, found: { shown, isExact }, failed: '' };
  } catch (error) {
    return { callId, query, found: null, failed: messageOf(error) };
  }
}

async function readDocument(
  id: string,
  from: number | undefined,
  context: LookupContext,
): Promise<RetrievedSource | null> {
  const { library, userId, query, shownRanges: shown } = context;
  const title = await library.getTitle(userId, id);
  if (title === null) return null;
  const words = passageQuery(query);
  const best = await library.getPassage(userId, id, { words }, snippetChars);
  const snippet = best === null ? '' : formatPassage(best).replace(/\s+/g, ' ').trim();
  const begin = from ?? (best === null ? undefined : nextUnreadOffset(best, shown.get(id) ?? []));
  return { source: { id, title, snippet }, start: { words, from: begin } };
}

/**
 * Where to continue in a document whose best passage was already shown: after it; at the beginning if nothing follows.
 * Undefined if the best passage is new.
 */
function nextUnreadOffset(
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

/** JSON of at most `charsMax` characters: the envelope is counted first, the texts share the rest. */
async function formatResults(
  { shown, isExact }: { shown: readonly RetrievedSource[]; isExact: boolean },
  numberOf: (id: AskSource['id']) => number,
  charsMax: number,
  context: SearchContext,
): Promise<string> {
  const note = shown.length === 0 ? 'nothing found' : 'no document fits exactly; merely similar';
  const header = shown.length === 0 || !isExact ? { note } : {};
  const titleMax = Math.min(titleCharsMax, Math.floor(charsMax / (4 * Math.max(1, shown.length))));
  // The longest possible value, so that the envelope is never longer than counted.
  const widest = '0000000-0000000 of 0000000';
  const empty = shown.map(({ source: { id, title } }): FormattedResult => {
    const clipped = truncateText(title, titleMax).toWellFormed();
    return { n: numberOf(id), id, title: clipped, chars: widest, text: '' };
  });
  const envelopeLength = JSON.stringify({ ...header, results: empty }).length;
  const share = Math.max(0, Math.floor((charsMax - envelopeLength) / Math.max(1, shown.length)));
  const results: FormattedResult[] = [];
  for (const [index, { source, start }] of shown.entries()) {
    const { chars: _, ...result } = empty[index]!;
    const passage = await largestFittingPassage(source.id, start, share, context);
    if (passage === null) {
      results.push({ ...result, text: truncateText(source.snippet, share) });
      continue;
    }
    const { from, to, length } = passage;
    const parts = context.shownRanges.get(source.id) ?? [];
    context.shownRanges.set(source.id, [...parts, [from, to]]);
    const isWhole = from === 0 && to === length;
    const chars = isWhole ? {} : { chars: `${from}-${to} of ${length}` };
    results.push({ ...result, ...chars, text: formatPassage(passage) });
  }
  return JSON.stringify({ ...header, results });
}

/** The passage with at most `room` characters as JSON: escapes make it longer than its text. */
async function largestFittingPassage(
  id: string,
  start: PassageStart,
  room: number,
  { library, userId }: Pick<LookupContext, 'library' | 'userId'>,
): Promise<Passage | null> {
  let passage = await library.getPassage(userId, id, start, room);
  for (let charsMax = room; passage !== null;) {
    const length = JSON.stringify(formatPassage(passage)).length - 2;
    if (length <= room || charsMax < 1) return passage;
    charsMax = Math.min(charsMax - 1, Math.floor((charsMax * room) / length));
    // Keeps the start: the position was already chosen.
    passage = await library.getPassage(userId, id, { ...start, from: passage.from }, charsMax);
  }
  return null;
}
