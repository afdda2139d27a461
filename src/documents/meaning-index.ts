/**
 * Keeps the vectors of all documents up to date, in the background.
 *
 * V1 The backlog is in the database and grows in the transaction that changes a document: a restart loses
 *    nothing, and there is nothing to tell this file.
 * V2 A server that is away stops the work and loses no document: it is tried again at growing intervals.
 * V3 A document that the model cannot take costs itself only.
 * V4 A fault, of the storage too, is a reason to try again later, never to stop for good.
 */
import { messageOf } from '../lib/errors.ts';
import type { BacklogEntry, Embedder, VectorStorage } from './embedding-port.ts';
import { chunkCharsMax, chunksOf, type Chunk } from './embedding-chunks.ts';

interface IndexLog {
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface MeaningIndexOptions {
  embedder: Embedder;
  storage: VectorStorage;
  log: IndexLog;
  /** Told why documents are not indexed at the moment; null when one was. */
  onProblem(reason: string | null): void;
  /** How often the backlog is looked at while it is empty, in ms. Default 500. */
  pollMs?: number;
  /** The wait after the first failure, in ms; each further one doubles it. Default 5,000. */
  retryMs?: number;
}

export interface MeaningIndex {
  /** Ends what runs; resolves when nothing of it runs any more. Idempotent. */
  close(): Promise<void>;
}

/** A new memo is found by its words at once; by its meaning within this. A look costs microseconds. */
const pollDefaultMs = 500;
/** A server that was only restarted is back by the first; one that is off is not asked every second. */
const backoffMs = { first: 5_000, max: 300_000 };
/** Documents looked at together: enough to fill a batch with short ones. */
const entriesMax = 32;

/** Texts of many rare characters have more tokens than a model takes; so much smaller all texts fit. */
const smallerChunks = [chunkCharsMax / 2, chunkCharsMax / 4];

interface Prepared {
  entry: BacklogEntry;
  chunks: Chunk[];
}

/** Begins at once. */
export function startMeaningIndex(options: MeaningIndexOptions): MeaningIndex {
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
  readonly #options: MeaningIndexOptions;
  readonly #stopping = new AbortController();
  #waitMs: number;

  constructor(options: MeaningIndexOptions) {
    this.#options = options;
    this.#waitMs = this.#firstWaitMs;
  }

  get #firstWaitMs(): number {
    return this.#options.retryMs ?? backoffMs.first;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const result = await this.#attempt();
      if (result === 'done') await pause(0, signal);
      else if (result === 'empty') await pause(this.#options.pollMs ?? pollDefaultMs, signal);
      else {
        await pause(this.#waitMs, signal);
        this.#waitMs = Math.min(this.#waitMs * 2, backoffMs.max);
      }
    }
  }

  /** A full disk, or a database that was locked for a moment, throws: the backlog is where it was. */
  async #attempt(): Promise<'empty' | 'done' | 'failed'> {
    try {
      return await this.#work();
    } catch (error) {
      return this.#fail(messageOf(error));
    }
  }

  /** One helping of the backlog. */
  async #work(): Promise<'empty' | 'done' | 'failed'> {
    const { storage, embedder } = this.#options;
    const entries = helping(storage.backlog(entriesMax), embedder.batch);
    if (entries.length === 0) return 'empty';
    const together = await this.#store(entries);
    if (together !== 'input') return together;
    for (const one of entries) {
      const alone = await this.#store([one]);
      const result = alone === 'input' ? await this.#storeAlone(one) : alone;
      if (result === 'failed') return 'failed';
    }
    return 'done';
  }

  /** Vectors for these documents, all in one go. */
  async #store(prepared: readonly Prepared[]): Promise<'done' | 'failed' | 'input'> {
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
    const dim = vectors[0]?.length ?? storage.dim;
    // Another model under the old name: what was stored belongs to no question any more.
    if (dim !== null && storage.use({ model: embedder.model, dim })) return this.#succeed();
    let next = 0;
    for (const { entry, chunks } of prepared) {
      const places = chunks.map(({ start, length }) => ({ start, length }));
      storage.put(
        entry,
        places.map((place) => ({ ...place, vector: vectors[next++]! })),
      );
    }
    return this.#succeed();
  }

  /** A document that was refused: in smaller pieces, or not at all. */
  async #storeAlone({ entry }: Prepared): Promise<'done' | 'failed'> {
    const { embedder, storage, log } = this.#options;
    for (const charsMax of smallerChunks) {
      const chunks = chunksOf(textOf(entry), charsMax);
      const result = await this.#store([{ entry, chunks }]);
      if (result !== 'input') return result;
    }
    // A server that refuses everything says the same as one that refuses a text.
    const probe = await embedder.embed(['gatehouse'], 'index', this.#stopping.signal);
    if (!probe.ok) return this.#fail(probe.reason);
    log.warn({ document: entry.document }, 'search by meaning: the model refuses a document');
    storage.setAside(entry);
    return 'done';
  }

  /** Only when it is stored: a server that works into a full disk is no success. */
  #succeed(): 'done' {
    this.#waitMs = this.#firstWaitMs;
    this.#options.onProblem(null);
    return 'done';
  }

  #fail(reason: string): 'failed' {
    if (!this.#stopping.signal.aborted) this.#options.onProblem(reason);
    return 'failed';
  }
}

/** The first documents whose pieces fill a batch; always at least one. */
function helping(entries: readonly BacklogEntry[], batch: number): Prepared[] {
  const taken: Prepared[] = [];
  let pieces = 0;
  for (const entry of entries) {
    const chunks = chunksOf(textOf(entry));
    if (taken.length > 0 && pieces + chunks.length > batch) break;
    taken.push({ entry, chunks });
    pieces += chunks.length;
  }
  return taken;
}

/** What is searched by meaning, and what the places of its pieces refer to. */
export const textOf = ({
  extractedText,
  mdContent,
}: Pick<BacklogEntry, 'extractedText' | 'mdContent'>): string =>
  extractedText.trim() === '' ? (mdContent ?? '') : extractedText;

/** A piece alone may not say what it is about; its document's title does. */
const embeddedText = (title: string, text: string): string => `${title}\n${text}`;

/** Ends early when the signal aborts; holds no process open. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = ms === 0 ? setImmediate(finish) : setTimeout(finish, ms).unref();
    function finish(): void {
      signal.removeEventListener('abort', stop);
      resolve();
    }
    function stop(): void {
      if (ms === 0) clearImmediate(timer as NodeJS.Immediate);
      else clearTimeout(timer as NodeJS.Timeout);
      resolve();
    }
    signal.addEventListener('abort', stop, { once: true });
  });
