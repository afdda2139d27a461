/** Wires questions to the documents for routes and jobs: library, backends and clock. */
import { createAsk, type Ask } from '#ask/ask';
import type { RetrievalStore } from '#ask/retrieval';
import { createAskLoop, type AskLoop } from '#ask/ask-loop';
import { toTraceJson } from '#ask/ask-trace';
import type { Library } from '#library/library';
import { parseQuery } from '#library/fulltext/fts-terms';
import { passageIn } from '#library/fulltext/snippet';
import type { AskLoopRoutesOptions } from '#http/routes/ask-loop-routes';
import type { ToolRegistry } from '#tools/registry';
import { createReadOffer } from './ask-external-reads.ts';
import { selectBackend } from '#models/backend-pool';
import type { DocumentSearch } from '#library/document-search';
import type { CoreParts } from '../core-parts.ts';

type AskParts = Pick<CoreParts, 'config' | 'library' | 'search' | 'pool' | 'clock' | 'log'>;

export function wireAsk({ config, library, search, pool, clock }: AskParts): Ask {
  return createAsk({
    library: createRetrievalStore(library, search),
    selectBackend: (name) => selectBackend(pool, name, 'ask'),
    clock,
    timeZone: config.timezone,
  });
}

/** The ask loop, with the backend of the role `react` or a named backend. */
export function wireAskLoop(
  parts: AskParts & Pick<CoreParts, 'mcp'> & { registry: Pick<ToolRegistry, 'run'> },
): AskLoop {
  const { config, library, search, pool, clock, log } = parts;
  return createAskLoop({
    library: createRetrievalStore(library, search),
    offerReads: createReadOffer({ ...parts, timeZone: config.timezone }),
    selectBackend: (name) => selectBackend(pool, name, 'react'),
    timeLimitMs: (id) => pool.find(id)?.config.timeoutsMs.total ?? 0,
    clock,
    timeZone: config.timezone,
    log,
  });
}

/** The ask loop with the response shape of the HTTP routes. */
export const createAskLoopApi =
  (react: AskLoop): AskLoopRoutesOptions['react'] =>
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
      debug_trace: trace === null ? null : trace.map(toTraceJson),
    };
    return { ok: true, result };
  };

const createRetrievalStore = (library: Library, search: DocumentSearch): RetrievalStore => ({
  async rank(userId, query, limit, isStrict) {
    const { found, isExact } = await library.rank(userId, query, limit, isStrict);
    return { ids: found.map(({ id }) => id), isExact };
  },
  getHit: (userId, id, query) => library.getHit(userId, id, query),
  mergeSemantic(userId, query, { hits, isExact }, limit, signal) {
    // Hits of the less strict search steps have an order, but no comparable score.
    const scored = hits.map((hit) => ({ ...hit, score: 0 }));
    return search.mergeSemantic(userId, query, { hits: scored, isExact }, limit, signal);
  },
  getTitle: async (userId, id) => (await library.get(userId, id))?.title ?? null,
  async getPassage(userId, id, { words, at, from }, charsMax) {
    const document = await library.get(userId, id);
    if (document === null) return null;
    const { extractedText, mdContent } = document;
    const text = extractedText.trim() === '' ? (mdContent ?? '') : extractedText;
    // Embedding offsets count in the original text, which may be in decomposed form; the passage is cut in NFC.
    const near = at === undefined ? undefined : text.slice(0, at).normalize('NFC').length;
    const begin = from ?? near;
    return passageIn(
      text,
      begin === undefined ? { words: parseQuery(words) } : { from: begin },
      charsMax,
    );
  },
});
