/**
 * Semantic search over many documents, with generated vectors: the vector of a text is its bag of words, and some
 * words have a synonym. Planted memos answer questions that use these synonyms.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Embedder } from '#shared/model/embedder';
import type { VectorStorage } from '#library/semantic/embedding-port';
import type { Library } from '#library/library';
import { createSemanticSearch } from '#library/semantic/semantic-search';
import type { SearchStores } from './search-stores.ts';
import { printTable, quantile, startCpu } from './measure.ts';

export interface MeaningBench {
  stores: SearchStores;
  library: Library;
  vocabulary: readonly string[];
  random: (below: number) => number;
}

const dim = 512;
const planted = 40;
const top = 5;
const batch = 500;

interface Plant {
  id: string;
  /** The question in the words of the memo. */
  asWritten: string;
  /** The question with synonyms. */
  otherwise: string;
}

export async function measureMeaning({
  stores,
  library,
  vocabulary,
  random,
}: MeaningBench): Promise<void> {
  const opened = await stores.openVectors();
  if (!opened.ok) {
    console.log(`search by meaning: ${opened.reason}`);
    return;
  }
  const { store } = opened;
  const synonyms = new Map<string, string>();
  // The rarest words, so that no document has them by chance; each has a synonym that no document has.
  const rare = vocabulary.slice(-planted * 2);
  rare.forEach((word, index) => synonyms.set(`옮긴말${index}자`, word));
  const plants: Plant[] = [];
  for (let n = 0; n < planted; n += 1) {
    const words = [rare[n * 2]!, rare[n * 2 + 1]!];
    const others = Array.from({ length: 4 }, () => vocabulary[random(5_000)]);
    const text = [...words, ...others].join(' ');
    const { id } = await library.create('local', { title: `메모 ${n}`, text, origin: 'memo' });
    plants.push({
      id,
      asWritten: words.join(' '),
      otherwise: `옮긴말${n * 2}자 옮긴말${n * 2 + 1}자`,
    });
  }

  const embedder = embedderOf(synonyms);
  await store.use({ model: embedder.model, dim });
  const begin = performance.now();
  const count = await fill(store, embedder);
  const seconds = (performance.now() - begin) / 1000;
  console.log(`\n${count} vectors of ${dim} numbers stored in ${seconds.toFixed(0)} s`);

  const meaning = createSemanticSearch({
    library,
    embedder,
    storage: store,
    ownerOf: (userId) => userId,
    minSimilarity: 0.4,
    queryTimeoutMs: 1_500,
    onProblem: () => undefined,
  });
  const found = (query: string) => library.search('local', query, top);
  const byWords = async (query: string) => (await found(query)).hits;
  const both = async (query: string) =>
    (await meaning.mergeSemantic('local', query, await found(query), top)).hits;

  const rows: (string | number)[][] = [];
  for (const [name, search] of Object.entries({ 'words alone': byWords, 'with meaning': both })) {
    const written = await recall(plants, search, ({ asWritten }) => asWritten);
    const other = await recall(plants, search, ({ otherwise }) => otherwise);
    const { times, cpuMs, blockedMs } = await timed(plants.slice(0, 20), search);
    const ms = (q: number): string => quantile(times, q).toFixed(1);
    rows.push([name, written, other, ms(0.5), cpuMs.toFixed(1), blockedMs.toFixed(0)]);
  }
  const head = ['search', 'recall, same words', 'other words', 'p50, ms', 'CPU, ms', 'blocked, ms'];
  printTable(`Planted memos among ${count} documents, in the first ${top}`, head, rows);
}

function embedderOf(synonyms: ReadonlyMap<string, string>): Embedder {
  const vectorOf = (text: string): Float32Array => {
    const vector = new Float32Array(dim);
    for (const word of text.split(/\s+/)) {
      let hash = 7;
      for (const character of synonyms.get(word) ?? word) {
        hash = (Math.imul(hash, 31) + character.codePointAt(0)!) >>> 0;
      }
      vector[Math.imul(hash, 2_654_435_761) >>> 23]! += 1;
    }
    return vector;
  };
  return {
    model: 'bag of words',
    batch,
    embed: (texts) => Promise.resolve({ ok: true, vectors: texts.map(vectorOf) }),
  };
}

async function fill(store: VectorStorage, embedder: Embedder): Promise<number> {
  let count = 0;
  for (;;) {
    const entries = await store.backlog(batch);
    if (entries.length === 0) return count;
    const texts = entries.map(({ extractedText }) => extractedText);
    const embedded = await embedder.embed(texts, 'index', new AbortController().signal);
    if (!embedded.ok) throw new Error(embedded.reason);
    await Promise.all(
      entries.map(async (entry, n) => {
        const { length } = entry.extractedText;
        await store.put(entry, [{ start: 0, length, vector: embedded.vectors[n]! }]);
      }),
    );
    count += entries.length;
  }
}

type Search = (query: string) => Promise<{ id: string }[]>;

/** The share of planted memos that their question finds. */
async function recall(
  plants: readonly Plant[],
  search: Search,
  question: (plant: Plant) => string,
): Promise<string> {
  let found = 0;
  for (const plant of plants) {
    const hits = await search(question(plant));
    if (hits.some(({ id }) => id === plant.id)) found += 1;
  }
  return `${Math.round((found / plants.length) * 100)} %`;
}

async function timed(
  plants: readonly Plant[],
  search: Search,
): Promise<{ times: number[]; cpuMs: number; blockedMs: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const times: number[] = [];
  const cpu = startCpu();
  delay.enable();
  for (const { asWritten } of plants) {
    const start = performance.now();
    await search(asWritten);
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  delay.disable();
  const cpuMs = cpu.stop() / 1000 / plants.length;
  return { times, cpuMs, blockedMs: delay.max / 1e6 };
}
