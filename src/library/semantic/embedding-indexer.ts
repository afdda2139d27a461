/**
 * Keeps the vectors of all documents up to date, in the background.
 *
 * V1 The backlog is in the database and grows in the transaction that changes a document: a restart loses nothing, and
 *    the indexer needs no notification.
 * V2 An unavailable server stops the work and loses no document: the work is retried at growing intervals.
 * V3 A document that the model refuses does not stop the others.
 * V4 After an error, of the storage too, the work is retried later; it never stops for good.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { abortableSleep } from '#shared/abortable-sleep';
import { exponentialBackoffMs } from '#shared/backoff';
import { messageOf } from '#shared/errors';
import type { Embedder } from '#shared/model/embedder';
import type { BacklogEntry, VectorStorage } from './embedding-port.ts';
import { chunkCharsMax, splitIntoChunks, type Chunk } from './embedding-chunks.ts';

interface IndexLog {
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface EmbeddingIndexerOptions {
  embedder: Embedder;
  storage: VectorStorage;
  log: IndexLog;
  /** Called with the reason while documents cannot be indexed; with null after one was. */
  onProblem(reason: string | null): void;
  /** How often the backlog is read while it is empty, in ms. Default 500. */
  pollMs?: number;
  /** The delay after the first failure, in ms; each further failure doubles it. Default 5,000. */
  retryMs?: number;
}

export interface EmbeddingIndexer {
  /** Aborts running work; resolves when nothing runs any more. Idempotent. */
  close(): Promise<void>;
}

/** Full-text search finds a new memo at once; semantic search finds it within this time. A look costs microseconds. */
const pollDefaultMs = 500;
/** A restarted server is back after the first delay; a server that is off is not called every second. */
const retryDelayMs = { first: 5_000, max: 300_000 };
/** Documents read together: enough to fill a batch with short ones. */
const entriesMax = 32;

/** Texts of many rare characters have more tokens than a model takes; in chunks of these sizes all texts fit. */
const smallerChunks = [chunkCharsMax / 2, chunkCharsMax / 4];

interface ChunkedEntry {
  entry: BacklogEntry;
  chunks: Chunk[];
}

/** Starts at once. */
export function startEmbeddingIndexer(options: EmbeddingIndexerOptions): EmbeddingIndexer {
  const indexer = new Indexer(options);
  const running = indexer.run();
  return {
    async close() {
      indexer.stop();
      await running;
    },
  };
}

class Indexer {
  readonly #options: EmbeddingIndexerOptions;
  readonly #stopping = new AbortController();
  #failures = 0;

  constructor(options: EmbeddingIndexerOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping;
    const { pollMs = pollDefaultMs, retryMs = retryDelayMs.first } = this.#options;
    while (!signal.aborted) {
      const result = await this.#attempt();
      if (result === 'done') {
        await yieldToEventLoop();
        continue;
      }
      const waitMs =
        result === 'empty'
          ? pollMs
          : exponentialBackoffMs(this.#failures++, retryMs, retryDelayMs.max);
      await abortableSleep(waitMs, signal, { ref: false });
    }
  }

  /** A full disk, or a database that is locked for a moment, throws: the backlog stays as it was. */
  async #attempt(): Promise<'empty' | 'done' | 'failed'> {
    try {
      return await this.#work();
    } catch (error) {
      return this.#fail(messageOf(error));
    }
  }

  /** Processes one batch of the backlog. */
  async #work(): Promise<'empty' | 'done' | 'failed'> {
    const { storage, embedder } = this.#options;
    const entries = takeBatch(await storage.backlog(entriesMax), embedder.batch);
    if (entries.length === 0) return 'empty';
    const batchResult = await this.#store(entries);
    if (batchResult !== 'input') return batchResult;
    for (const one of entries) {
      const singleResult = await this.#store([one]);
      const result = singleResult === 'input' ? await this.#storeAlone(one) : singleResult;
      if (result === 'failed') return 'failed';
    }
    return 'done';
  }

  /** Embeds these documents and stores their vectors. */
  async #store(prepared: readonly ChunkedEntry[]): Promise<'done' | 'failed' | 'input'> {
    const { embedder, storage } = this.#options;
    const { signal } = this.#stopping;
    const texts = prepared.flatMap(({ entry, chunks }) =>
      chunks.map((chunk) => embeddedText(entry.title, chunk.text)),
    );
    const vectors: Float32Array[] = [];
    for (let at = 0; at < texts.length; at += embedder.batch) {
      const batch = texts.slice(at, at + embedder.batch);
      const embedded = await embedder.embed(batch, 'index', signal);
      if (signal.aborted) return 'failed';
      if (!embedded.ok) return embedded.isInput ? 'input' : this.#fail(embedded.reason);
      vectors.push(...embedded.vectors);
    }
    const dim = vectors[0]?.length ?? (await storage.dim());
    // The model has changed under the old name: `use` has removed the stored vectors and refilled the backlog.
    if (dim !== null && (await storage.use({ model: embedder.model, dim }))) return this.#succeed();
    let next = 0;
    for (const { entry, chunks } of prepared) {
      const places = chunks.map(({ start, length }) => ({ start, length }));
      await storage.put(
        entry,
        places.map((place) => ({ ...place, vector: vectors[next++]! })),
      );
    }
    return this.#succeed();
  }

  /** A refused document: tries smaller chunks, then sets it aside. */
  async #storeAlone({ entry }: ChunkedEntry): Promise<'done' | 'failed'> {
    const { embedder, storage, log } = this.#options;
    for (const charsMax of smallerChunks) {
      const chunks = splitIntoChunks(embeddableText(entry), charsMax);
      const result = await this.#store([{ entry, chunks }]);
      if (result !== 'input') return result;
    }
    // A server that refuses everything returns the same error as one that refuses a text.
    const probe = await embedder.embed(['gatehouse'], 'index', this.#stopping.signal);
    if (!probe.ok) return this.#fail(probe.reason);
    log.warn({ document: entry.document }, 'search by meaning: the model refuses a document');
    await storage.setAside(entry);
    return 'done';
  }

  /** Called only after vectors are stored: a working server is no success while the disk is full. */
  #succeed(): 'done' {
    this.#failures = 0;
    this.#options.onProblem(null);
    return 'done';
  }

  #fail(reason: string): 'failed' {
    if (!this.#stopping.signal.aborted) this.#options.onProblem(reason);
    return 'failed';
  }
}

/** The first documents whose chunks fill a batch; always at least one. */
function takeBatch(entries: readonly BacklogEntry[], batch: number): ChunkedEntry[] {
  const taken: ChunkedEntry[] = [];
  let pieces = 0;
  for (const entry of entries) {
    const chunks = splitIntoChunks(embeddableText(entry));
    if (taken.length > 0 && pieces + chunks.length > batch) break;
    taken.push({ entry, chunks });
    pieces += chunks.length;
  }
  return taken;
}

/** The text that semantic search covers; the positions of its chunks refer to it. */
export const embeddableText = ({
  extractedText,
  mdContent,
}: Pick<BacklogEntry, 'extractedText' | 'mdContent'>): string =>
  extractedText.trim() === '' ? (mdContent ?? '') : extractedText;

/** A chunk alone may not show its subject; the document's title does. */
const embeddedText = (title: string, text: string): string => `${title}\n${text}`;
