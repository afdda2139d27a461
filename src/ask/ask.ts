/**
 * A question to the asker's own documents: retrieval, then one call to one model, answered with its sources.
 *
 * 1. Exactly one model call, by the named backend or the backend of the role; there is no fallback (P9).
 * 2. The asker's own library only; its documents reach the model as data.
 * 3. If no document was found, the answer begins with a fixed notice that is not left to the model. The model is called
 *    all the same, so that a named backend that is down is always reported.
 */
import { localeOf } from '#machines/texts';
import { modelFailureToError } from '#shared/model/model-failure-to-error';
import type { Backend } from '#shared/model/model';
import type { FoundSource } from '#machines/ask-types';
import type { QueuePosition } from '#machines/job-types';
import type { Clock } from '#shared/clock';
import type { GatehouseError } from '#shared/errors';
import { askMessages, nothingFound, sourceCharsTotal } from '#language/prompts/ask-prompt';
import {
  formatPassage,
  retrieveSources,
  passageQuery,
  type RetrievalStore,
  type FoundDocument,
} from './retrieval.ts';

export interface AskQuestion {
  query: string;
  userId: string;
  /** Null: the backend of the role `ask`. */
  backend: string | null;
}

export interface AskListener {
  /** Once, before the model call. */
  sources(sources: readonly FoundSource[]): void;
  /** The next piece of the answer; `replaces`: discard all text before it. */
  text(content: string, replaces: boolean): void;
  queued(position: QueuePosition): void;
}

export type AskOutcome =
  | {
      ok: true;
      answer: string;
      /** The first source is [1] in the answer. */
      sources: FoundSource[];
      backend: string;
      /** The model stopped at its token limit. */
      truncated: boolean;
    }
  | { ok: false; error: GatehouseError };

export interface AskOptions {
  library: RetrievalStore;
  /** @throws GH_BACKEND_UNKNOWN */
  selectBackend(name: string | null): Backend;
  clock: Clock;
  /** IANA name. */
  timeZone: string;
}

/** More sources do not improve an answer, and share the same space in the request. */
export const sourcesMax = 5;
/** The limit of every answer: read aloud, it takes minutes. */
const answerTokensMax = 4_096;
/** Low: the answer must stay with the facts. */
const temperature = 0.2;

export type Ask = (
  question: AskQuestion,
  listener: AskListener,
  signal: AbortSignal,
) => Promise<AskOutcome>;

/** Answers questions from documents. Aborting frees the gate at once. @throws GH_BACKEND_UNKNOWN */
export function createAsk({ library, selectBackend, clock, timeZone }: AskOptions): Ask {
  return async (question, listener, signal) => {
    const { query, userId } = question;
    const backend = selectBackend(question.backend);
    const found = await retrieveSources(library, { userId, query, limit: sourcesMax, signal });
    const { isExact } = found;
    const sources = found.hits.map(({ id, title, snippet }) => ({ id, title, snippet }));
    listener.sources(sources);
    const notice = sources.length === 0 ? `${nothingFound[localeOf(query)]}\n\n` : '';
    let hasBegun = false;
    const outcome = await backend.run(
      {
        messages: askMessages({
          query,
          sources: await sourceTexts(library, userId, query, found.hits),
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
    if (!outcome.ok) return { ok: false, error: modelFailureToError(outcome) };
    return {
      ok: true,
      answer: notice + outcome.text,
      sources,
      backend: outcome.backend,
      truncated: outcome.finishReason === 'length',
    };
  };
}

/** The text of each source for the model: an equal share of the space for all. */
async function sourceTexts(
  library: RetrievalStore,
  userId: string,
  query: string,
  hits: readonly FoundDocument[],
): Promise<{ title: string; text: string }[]> {
  const share = Math.floor(sourceCharsTotal / Math.max(1, hits.length));
  const words = passageQuery(query);
  const sources: { title: string; text: string }[] = [];
  for (const { id, title, snippet, at } of hits) {
    // The title precedes the text on its own line, and the text may have two ellipsis marks.
    const charsMax = Math.max(0, share - title.length - 1 - 2);
    const passage = await library.getPassage(userId, id, { words, at }, charsMax);
    sources.push({ title, text: passage === null ? snippet : formatPassage(passage) });
  }
  return sources;
}
