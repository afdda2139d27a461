/** Models and embeddings for the APIs of other makers (OpenAI, Ollama). */
import type { EmbeddingPort } from '#http/ollama/ollama-routes';
import { selectBackend, type BackendPool } from '#models/backend-pool';
import { modelListing } from '#models/backend-view';
import type { EmbeddingsClient } from '#models/embeddings/embeddings';
import type { Clock } from '#shared/clock';
import type { Config } from '../config/config.ts';
import { createEmbedder } from '../search-wiring.ts';

/** How they choose and list models. */
export const modelsOf = (pool: BackendPool) => ({
  dispatch: (name: string) => selectBackend(pool, name, 'reasoner'),
  backendOf: (role: 'classifier' | 'reasoner') => selectBackend(pool, null, role),
  models: () => modelListing(pool),
});

/** Null: no embeddings server is configured. */
export function embeddingsOf({
  config,
  pool,
  clock,
}: {
  config: Config;
  pool: BackendPool;
  clock: Clock;
}): EmbeddingPort | null {
  const settings = config.search.embeddings;
  return settings === null ? null : portOf(createEmbedder(settings, pool, clock));
}

const portOf = (client: EmbeddingsClient): EmbeddingPort => ({
  model: client.model,
  async embed(texts, signal) {
    const vectors: (readonly number[])[] = [];
    for (let from = 0; from < texts.length; from += client.batch) {
      const batch = texts.slice(from, from + client.batch);
      const result = await client.embed(batch, 'query', signal);
      if (!result.ok) return result;
      vectors.push(...result.vectors.map((vector) => Array.from(vector)));
    }
    return { ok: true, vectors };
  },
  close: () => client.close(),
});
