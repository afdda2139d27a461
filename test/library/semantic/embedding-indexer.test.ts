/** The background indexer of the vectors: a fault of the storage pauses it, and never ends it. */
import { expect, onTestFinished, test } from 'vitest';
import type { VectorStorage } from '#library/semantic/embedding-port';
import { startEmbeddingIndexer } from '#library/semantic/embedding-indexer';
import { openVectorStore } from '#library/store/vector-store';
import { openLibrary } from '../library-fixture.ts';
import { until } from '#test/support/journal';

const log = { warn: () => undefined };

test.each(['backlog', 'use', 'put'] as const)(
  'the indexer continues after the storage threw in `%s`, and reports the fault and its end',
  async (method) => {
    const { database, add, close } = await openLibrary();
    onTestFinished(close);
    const opened = await openVectorStore(database);
    if (!opened.ok) throw new Error(opened.reason);
    const { store } = opened;
    const asked: number[] = [];
    let faults = 3;
    const storage = new Proxy<VectorStorage>(store, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name !== method || faults === 0) return value;
        faults -= 1;
        return () => {
          throw new Error('database or disk is full');
        };
      },
    });
    const problems: (string | null)[] = [];
    await add('자동차 고장');
    const index = startEmbeddingIndexer({
      embedder: {
        model: 'm',
        batch: 8,
        embed: async (texts) => {
          asked.push(texts.length);
          return { ok: true, vectors: texts.map(() => Float32Array.of(1, 0)) };
        },
      },
      storage,
      log,
      onProblem: (reason) => problems.push(reason),
      pollMs: 1,
      retryMs: 1,
    });
    onTestFinished(() => index.close());
    await until(async () => (await store.backlogCount()) === 0);
    // One report per fault, and no recovery in between: nothing had been stored.
    const full = 'database or disk is full';
    expect(problems.slice(0, 4)).toEqual([full, full, full, null]);
    await add('정비');
    await until(async () => (await store.backlogCount()) === 0);
    expect(asked.length).toBeGreaterThan(1);
  },
);
