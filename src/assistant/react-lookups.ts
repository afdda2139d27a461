/**
 * The look-ups of an ask: searches and documents read, each as the text that a model sees. In the asker's own
 * library only. A look-up that fails costs itself.
 */
import type {
  AskSource,
  FoundSource,
  LookupCall,
  LookupResult,
  PlannedLookup,
} from '../../machines/ask-types.ts';
import { messageOf } from '../lib/errors.ts';
import { clipText, composedText } from '../routing/plain-text.ts';
import { findSources, passageOf, type AskLibrary, type FoundDocument } from './find-sources.ts';

export interface LookupContext {
  library: AskLibrary;
  userId: string;
  /** The question: where to read in a document. */
  query: string;
  signal: AbortSignal;
}

interface Shown {
  id: string;
  title: string;
  text: string;
}

const titleCharsMax = 120;
/** `{"n":1,"id":"…","title":"…","text":"…"},` without what is in it. */
const frameChars = 80;

/** All look-ups of a round, side by side; the results in their order, with the numbers of their sources. */
export async function lookUp(call: LookupCall, context: LookupContext): Promise<LookupResult[]> {
  const { plan, charsMax, sources } = call;
  const done = await Promise.all(plan.map((one) => run(one, charsMax, context)));
  const numbers = sources.map(({ id }) => id);
  return done.map(({ callId, query, found, failed }) => {
    if (found === null) return { callId, ok: false, detail: failed };
    for (const { source } of found.shown) {
      if (!numbers.includes(source.id)) numbers.push(source.id);
    }
    const shown = found.shown.map(({ source, text }) => ({
      id: source.id,
      title: source.title,
      text,
    }));
    return {
      callId,
      ok: true,
      query,
      sources: found.shown.map(({ source }) => source),
      content: contentOf(shown, found.isExact, (id) => numbers.indexOf(id) + 1, charsMax),
    };
  });
}

/** What a search that was made elsewhere looks like to the model; its sources are numbered from 1. */
export function foundContent(
  hits: readonly FoundSource[],
  isExact: boolean,
  charsMax: number,
  context: Pick<LookupContext, 'library' | 'userId' | 'query'>,
): string {
  const share = shareOf(charsMax, hits.length);
  const shown = hits.map(({ id, title, snippet }) => ({
    id,
    title,
    text: passage({ id, title, snippet }, share, context),
  }));
  return contentOf(shown, isExact, (id) => hits.findIndex((hit) => hit.id === id) + 1, charsMax);
}

interface Done {
  callId: string;
  query: string;
  /** Null: it failed, `failed` says why. */
  found: { shown: { source: FoundSource; text: string }[]; isExact: boolean } | null;
  failed: string;
}

async function run(
  { callId, lookup }: PlannedLookup,
  charsMax: number,
  context: LookupContext,
): Promise<Done> {
  const { library, userId, signal } = context;
  const query = lookup.kind === 'search' ? lookup.query : context.query;
  try {
    if (lookup.kind === 'read') {
      const found = readOne(lookup.id, charsMax, context);
      const failed = found === null ? 'the user has no document with this id' : '';
      return { callId, query, found, failed };
    }
    const { limit } = lookup;
    const { hits, isExact } = await findSources(library, { userId, query, limit, signal });
    const share = shareOf(charsMax, hits.length);
    const shown = hits.map((hit) => ({
      source: { id: hit.id, title: hit.title, snippet: hit.snippet },
      text: passage(hit, share, { ...context, query }),
    }));
    return { callId, query, found: { shown, isExact }, failed: '' };
  } catch (error) {
    return { callId, query, found: null, failed: messageOf(error) };
  }
}

function readOne(id: string, charsMax: number, context: LookupContext): Done['found'] {
  const { library, userId, query } = context;
  const title = library.title(userId, id);
  if (title === null) return null;
  const text = passage({ id, title, snippet: '' }, shareOf(charsMax, 1), context);
  const snippet = library.passage(userId, id, { words: query }, snippetChars) ?? '';
  return { shown: [{ source: { id, title, snippet: oneLine(snippet) }, text }], isExact: true };
}

const snippetChars = 160;
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

const shareOf = (charsMax: number, count: number): number =>
  Math.max(0, Math.floor(charsMax / Math.max(1, count)) - frameChars);

const passage = (
  hit: FoundDocument,
  charsMax: number,
  { library, userId, query }: Pick<LookupContext, 'library' | 'userId' | 'query'>,
): string => composedText(passageOf(library, userId, hit, query, charsMax));

/** JSON of at most `charsMax` characters. */
function contentOf(
  shown: readonly Shown[],
  isExact: boolean,
  numberOf: (id: AskSource['id']) => number,
  charsMax: number,
): string {
  const note = shown.length === 0 ? 'nothing found' : 'no document fits exactly; merely similar';
  // Escapes make a text longer than it was: shorter until it fits.
  for (let share = shareOf(charsMax, shown.length); ; share = Math.floor(share * 0.7)) {
    const results = shown.map(({ id, title, text }) => ({
      n: numberOf(id),
      id,
      title: clipText(title, Math.min(titleCharsMax, share)),
      text: clipText(text, share),
    }));
    const head = shown.length === 0 || !isExact ? { note } : {};
    const content = JSON.stringify({ ...head, results });
    if (content.length <= charsMax || share < 8) return content;
  }
}
