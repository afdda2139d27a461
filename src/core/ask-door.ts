/** Questions to the documents as routes and jobs see them: library, backends and clock put together. */
import { createAsk, type Ask } from '../assistant/ask.ts';
import type { AskLibrary } from '../assistant/find-sources.ts';
import { createReact, type React } from '../assistant/react.ts';
import { traceView } from '../assistant/react-trace.ts';
import type { Config } from '../config/config.ts';
import type { Library } from '../documents/library.ts';
import { queryWords } from '../documents/search-words.ts';
import { passageIn } from '../documents/snippet.ts';
import type { ReactRoutesOptions } from '../http/react-routes.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { BackendPool } from './backend-pool.ts';
import { dispatch } from './dispatch.ts';
import type { DocumentSearch } from './document-search.ts';

export interface AskParts {
  config: Config;
  library: Library;
  search: DocumentSearch;
  pool: BackendPool;
  clock: Clock;
  log: Log;
}

export function createAskDoor({ config, library, search, pool, clock }: AskParts): Ask {
  return createAsk({
    library: askLibrary(library, search),
    dispatch: (name) => dispatch(pool, name, 'ask'),
    clock,
    timeZone: config.timezone,
  });
}

/** The loop, by the backend of the role `react` or a named one. */
export function createReactLoop({ config, library, search, pool, clock, log }: AskParts): React {
  return createReact({
    library: askLibrary(library, search),
    dispatch: (name) => dispatch(pool, name, 'react'),
    timeLimitMs: (id) => pool.find(id)?.config.timeoutsMs.total ?? 0,
    clock,
    timeZone: config.timezone,
    log,
  });
}

/** The loop as the routes answer with it. */
export const createReactDoor =
  (react: React): ReactRoutesOptions['react'] =>
  async (question, listener, signal) => {
    const outcome = await react(question, listener, signal);
    if (!outcome.ok) return outcome;
    const { answer, sources, partial, toolRounds, llmCalls, backend, trace } = outcome;
    const result = {
      answer,
      sources,
      partial,
      tool_rounds: toolRounds,
      llm_calls: llmCalls,
      backend,
      debug_trace: trace === null ? null : trace.map(traceView),
    };
    return { ok: true, result };
  };

const askLibrary = (library: Library, search: DocumentSearch): AskLibrary => ({
  rank(userId, query, limit, isStrict) {
    const { found, isExact } = library.rank(userId, query, limit, isStrict);
    return { ids: found.map(({ id }) => id), isExact };
  },
  hit: (userId, id, query) => library.hit(userId, id, query),
  blend(userId, query, { hits, isExact }, limit, signal) {
    // What is found down the ladder has a place, and no score that would mean anything.
    const scored = hits.map((hit) => ({ ...hit, score: 0 }));
    return search.blend(userId, query, { hits: scored, isExact }, limit, signal);
  },
  title: (userId, id) => library.get(userId, id)?.title ?? null,
  passage(userId, id, { words, at, from }, charsMax) {
    const document = library.get(userId, id);
    if (document === null) return null;
    const { extractedText, mdContent } = document;
    const text = extractedText.trim() === '' ? (mdContent ?? '') : extractedText;
    // The vectors are of the text as it was given, which may be decomposed.
    const near = at === undefined ? undefined : text.slice(0, at).normalize('NFC').length;
    const begin = from ?? near;
    return passageIn(
      text,
      begin === undefined ? { words: queryWords(words) } : { from: begin },
      charsMax,
    );
  },
});
