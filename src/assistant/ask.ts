/**
 * A question to the asker's own documents: searched for, answered by one call to one model, with its sources.
 *
 * 1. Exactly one model call, by the backend that was named or the one of the role; no other takes its place (P9).
 * 2. The asker's own library only; what its documents say reaches the model as data.
 * 3. Where no document was found the answer begins by saying so, in our words: that is not left to a model.
 *    The model is asked all the same, so that a backend that was named and is down is always told.
 */
import { localeOf } from '../../machines/texts.ts';
import { modelError } from '../contract/model-error.ts';
import type { Backend, QueuePosition } from '../contract/model.ts';
import type { Clock } from '../lib/clock.ts';
import type { GatehouseError } from '../lib/errors.ts';
import { askMessages, nothingFound, sourceCharsTotal } from '../routing/ask-prompt.ts';
import { askWords } from '../routing/ask-words.ts';

export interface AskQuestion {
  query: string;
  userId: string;
  /** Null: the backend of the role `ask`. */
  backend: string | null;
}

export interface AskSource {
  id: string;
  title: string;
  /** One line, about 160 characters. */
  snippet: string;
}

export interface AskListener {
  /** Once, before the model is asked. */
  sources(sources: readonly AskSource[]): void;
  /** The next piece of the answer; `replaces`: all before it is void. */
  text(content: string, replaces: boolean): void;
  queued(position: QueuePosition): void;
}

export type AskOutcome =
  | {
      ok: true;
      answer: string;
      /** The first is [1] in the answer. */
      sources: AskSource[];
      backend: string;
      /** The model stopped at its limit. */
      truncated: boolean;
    }
  | { ok: false; error: GatehouseError };

/** The documents, as a question needs them. */
export interface AskLibrary {
  search(userId: string, query: string, limit: number): { hits: AskSource[]; isExact: boolean };
  /** At most `charsMax` characters of the document, where the words stand; null where it is gone. */
  passage(userId: string, id: string, words: string, charsMax: number): string | null;
}

export interface AskOptions {
  library: AskLibrary;
  /** @throws GH_BACKEND_UNKNOWN */
  dispatch(name: string | null): Backend;
  clock: Clock;
  /** IANA name. */
  timeZone: string;
}

/** More do not make an answer better, and share the same room in the request. */
const sourcesMax = 5;
/** As for every answer: minutes of speech. */
const answerTokensMax = 4_096;
/** It must stay with the facts. */
const temperature = 0.2;

export type Ask = (
  question: AskQuestion,
  listener: AskListener,
  signal: AbortSignal,
) => Promise<AskOutcome>;

/** Answers questions from documents. Aborting frees the gate at once. @throws GH_BACKEND_UNKNOWN */
export function createAsk({ library, dispatch, clock, timeZone }: AskOptions): Ask {
  return async (question, listener, signal) => {
    const { query, userId } = question;
    const backend = dispatch(question.backend);
    const { hits: sources, isExact } = findSources(library, userId, query);
    listener.sources(sources);
    const notice = sources.length === 0 ? `${nothingFound[localeOf(query)]}\n\n` : '';
    let hasBegun = false;
    const outcome = await backend.run(
      {
        messages: askMessages({
          query,
          sources: withTexts(library, userId, query, sources),
          isExact,
          now: clock.now(),
          timeZone,
        }),
        maxTokens: answerTokensMax,
        temperature,
      },
      {
        kind: 'ask',
        priority: 'foreground',
        user: userId,
        signal,
        onQueued: (position) => listener.queued(position),
        onText(text, replaces) {
          listener.text(hasBegun && !replaces ? text : notice + text, replaces);
          hasBegun = true;
        },
      },
    );
    if (!outcome.ok) return { ok: false, error: modelError(outcome) };
    return {
      ok: true,
      answer: notice + outcome.text,
      sources,
      backend: outcome.backend,
      truncated: outcome.finishReason === 'length',
    };
  };
}

/**
 * By all words as they were said; then without those that only ask; then those that have half of what is left.
 * Never by the asking words alone: they are in every second document.
 */
function findSources(
  library: AskLibrary,
  userId: string,
  query: string,
): { hits: AskSource[]; isExact: boolean } {
  const whole = library.search(userId, query, sourcesMax);
  if (whole.hits.length > 0 && whole.isExact) return whole;
  const words = askWords(query);
  if (words.length === 0) return { hits: [], isExact: true };
  const bare = library.search(userId, words.join(' '), sourcesMax);
  if (bare.hits.length > 0 && bare.isExact) return bare;
  const similar = new Map<string, AskSource>();
  for (const hit of [...byWord(library, userId, words), ...bare.hits]) {
    if (!similar.has(hit.id)) similar.set(hit.id, hit);
  }
  return { hits: [...similar.values()].slice(0, sourcesMax), isExact: false };
}

/** Documents of a single word that are looked at for how many of the words they have. */
const candidates = 20;

function byWord(library: AskLibrary, userId: string, words: readonly string[]): AskSource[] {
  if (words.length < 2) return [];
  const had = new Map<string, { hit: AskSource; count: number }>();
  for (const word of words) {
    const { hits, isExact } = library.search(userId, word, candidates);
    for (const hit of isExact ? hits : []) {
      const known = had.get(hit.id);
      if (known === undefined) had.set(hit.id, { hit, count: 1 });
      else known.count += 1;
    }
  }
  return [...had.values()]
    .filter(({ count }) => count * 2 >= words.length)
    .sort((a, b) => b.count - a.count)
    .map(({ hit }) => hit);
}

function withTexts(
  library: AskLibrary,
  userId: string,
  query: string,
  sources: readonly AskSource[],
): { title: string; text: string }[] {
  const words = askWords(query).join(' ') || query;
  const charsMax = Math.floor(sourceCharsTotal / Math.max(1, sources.length));
  return sources.map(({ id, title, snippet }) => ({
    title,
    text: library.passage(userId, id, words, charsMax) ?? snippet,
  }));
}
