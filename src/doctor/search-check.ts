/** Doctor check of semantic search: the extension, and the embedding server. */
import { isSameServer } from '#models/backend-config';
import { discoverBackends } from '#models/discovery/discovery';
import { createEmbeddings } from '#models/embeddings/embeddings';
import type { Config } from '#app/config/config';
import { systemClock } from '#shared/clock';
import { openDatabase } from '#storage/database';
import { openVectorStore } from '#library/store/vector-store';
import type { CheckResult } from '#shared/check-result';

const part = 'search';

/** No result if it is not configured. `isCoreThere`: a core answers at the configured address. */
export async function checkSearch(config: Config, isCoreThere: boolean): Promise<CheckResult[]> {
  const { embeddings } = config.search;
  if (embeddings === null) return [];
  // Workers at other addresses use the server too.
  const isInUse = isCoreThere || config.cluster !== null;
  const server = isInUse ? await backendAt(config, embeddings.baseUrl) : null;
  return [
    // pgvector is a check of the PostgreSQL server.
    ...(typeof config.database === 'string' ? [await checkExtension()] : []),
    server === null ? await checkServer(embeddings) : skippedResult(embeddings, server),
  ];
}

/** Id of the backend on this server; null if there is none. */
async function backendAt({ backends }: Config, baseUrl: string): Promise<string | null> {
  const known =
    backends.length > 0 ? backends : (await discoverBackends()).map(({ config }) => config);
  return known.find((backend) => isSameServer(backend.baseUrl, baseUrl))?.id ?? null;
}

/** The gate is in the core: a request from here would exceed the concurrency of the server (P6). */
const skippedResult = ({ model }: Settings, backend: string): CheckResult => ({
  part,
  ok: true,
  what: `embeddings (${model}): not asked, because a running core asks backend ${backend} through its gate; GET /readyz of the core says when it fails`,
});

async function checkExtension(): Promise<CheckResult> {
  const database = await openDatabase({ path: ':memory:' });
  const opened = await openVectorStore(database);
  await database.close();
  if (opened.ok) return { part, ok: true, what: 'sqlite-vec is there' };
  return {
    part,
    ok: false,
    what: opened.reason,
    advice: 'install it for this system (npm install sqlite-vec), or set search.embeddings to null',
  };
}

type Settings = NonNullable<Config['search']['embeddings']>;

async function checkServer(settings: Settings): Promise<CheckResult> {
  const client = createEmbeddings({ config: settings, gate: null, clock: systemClock });
  const startedAt = performance.now();
  const outcome = await client.embed(['문서'], 'query', AbortSignal.timeout(settings.timeoutMs));
  const ms = Math.round(performance.now() - startedAt);
  await client.close();
  const who = `embeddings (${settings.model})`;
  if (outcome.ok) {
    const dim = outcome.vectors[0]?.length;
    return { part, ok: true, what: `${who}: vectors of ${dim} numbers in ${ms} ms` };
  }
  return {
    part,
    ok: false,
    what: `${who}: ${outcome.reason}`,
    advice: `is an embedding server started at ${settings.baseUrl}, with this model? Until then documents are found by their words only`,
  };
}
