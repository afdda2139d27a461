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
import { findSources, passageWords, type AskLibrary, type FoundDocument } from './find-sources.ts';
import { shownText } from './shown-text.ts';

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

export interface AskOptions {
  library: AskLibrary;
  /** @throws GH_BACKEND_UNKNOWN */
  dispatch(name: string | null): Backend;
  clock: Clock;
  /** IANA name. */
  timeZone: string;
}

/** More do not make an answer better, and share the same room in the request. */
export const sourcesMax = 5;
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
    const found = await findSources(library, { userId, query, limit: sourcesMax, signal });
    const { isExact } = found;
    const sources = found.hits.map(({ id, title, snippet }) => ({ id, title, snippet }));
    listener.sources(sources);
    const notice = sources.length === 0 ? `${nothingFound[localeOf(query)]}\n\n` : '';
    let hasBegun = false;
    const outcome = await backend.run(
      {
        messages: askMessages({
          query,
          sources: textsOf(library, userId, query, found.hits),
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

/** What the model sees of each: an equal share of the room that all have. */
function textsOf(
  library: AskLibrary,
  userId: string,
  query: string,
  hits: readonly FoundDocument[],
): { title: string; text: string }[] {
  const share = Math.floor(sourceCharsTotal / Math.max(1, hits.length));
  const words = passageWords(query);
  return hits.map(({ id, title, snippet, at }) => {
    // The title stands in front of the text, on a line of its own, and between the marks of what is left out.
    const charsMax = Math.max(0, share - title.length - 1 - 2);
    const passage = library.passage(userId, id, { words, at }, charsMax);
    return { title, text: passage === null ? snippet : shownText(passage) };
  });
}
