/** The contract of the storage of vectors, for every database. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { DocumentStorage } from '#library/document-port';
import type { BacklogEntry, VectorStorage } from '#library/semantic/embedding-port';
import { useLibraryStores } from '#test/support/library-stores';
import { add, changeOf, documentOf } from './library-changes.ts';

const vector = (...numbers: number[]) => Float32Array.from(numbers);
const chunk = (start: number, ...numbers: number[]) => ({
  start,
  length: 10,
  vector: vector(...numbers),
});
const { signal } = new AbortController();
const near = async (store: VectorStorage, ...numbers: number[]) =>
  (await store.nearest('ann', vector(...numbers), 10, signal)).map(({ id }) => id);
const replace = (documents: DocumentStorage, id: string, more: object) =>
  documents.commit(changeOf({ replaced: [{ document: documentOf(id, more), tokens: undefined }] }));

describe.each(useLibraryStores())('vectors in $name', ({ vectorsMissing, open }) => {
  beforeEach(({ skip }) => skip(vectorsMissing !== null, vectorsMissing ?? ''));

  const opened = async () => {
    const { documents, openVectors, fillDisk } = await open();
    const vectors = await openVectors();
    if (!vectors.ok) throw new Error(vectors.reason);
    const { store } = vectors;
    const entryOf = async (title: string): Promise<BacklogEntry> =>
      (await store.backlog(100)).find((entry) => entry.title === title)!;
    return { documents, store, entryOf, fillDisk };
  };

  test('have one space: another model or length replaces it, and a length that becomes known does not', async () => {
    const { documents, store, entryOf } = await opened();
    await add(documents, documentOf('a'));
    expect(await store.dim()).toBeNull();
    expect(await store.use({ model: 'm', dim: null })).toBe(false);
    expect(await store.use({ model: 'm', dim: 2 })).toBe(false);
    expect(await store.dim()).toBe(2);
    await store.put(await entryOf('title a'), [chunk(0, 1, 0)]);
    expect(await store.use({ model: 'm', dim: null })).toBe(false);
    expect(await near(store, 1, 0)).toEqual(['a']);
    expect(await store.use({ model: 'm', dim: 3 })).toBe(true);
    expect([await near(store, 1, 0, 0), await store.backlogCount()]).toEqual([[], 1]);
    expect(await store.use({ model: 'other', dim: null })).toBe(true);
    expect(await store.dim()).toBeNull();
  });

  test('are missing for documents of the backlog, which are listed with their texts in order', async () => {
    const { documents, store, entryOf } = await opened();
    await store.use({ model: 'm', dim: 2 });
    await add(documents, documentOf('b', { mdContent: '# b' }), documentOf('a'));
    await add(documents, documentOf('gone', { deletedAt: 5 }));
    const backlog = await store.backlog(10);
    expect(backlog).toMatchObject([
      { title: 'title b', extractedText: 'text b', mdContent: '# b' },
      { title: 'title a', extractedText: 'text a', mdContent: null },
    ]);
    expect(await store.backlog(1)).toHaveLength(1);
    await store.setAside(await entryOf('title b'));
    expect([await store.backlogCount(), (await store.backlog(10)).length]).toEqual([1, 1]);
    await replace(documents, 'b', { extractedText: 'changed' });
    expect(await store.backlogCount()).toBe(2);
  });

  test('belong to the current text: those of an earlier text are removed and not stored', async () => {
    const { documents, store, entryOf } = await opened();
    await store.use({ model: 'm', dim: 2 });
    await add(documents, documentOf('a'));
    const old = await entryOf('title a');
    await replace(documents, 'a', { extractedText: 'changed' });
    await store.put(old, [chunk(0, 1, 0)]);
    expect(await near(store, 1, 0)).toEqual([]);
    await store.put(await entryOf('title a'), [chunk(0, 1, 0)]);
    expect(await near(store, 1, 0)).toEqual(['a']);
    expect(await store.backlogCount()).toBe(0);
    await replace(documents, 'a', { extractedText: 'changed', mdDraftStatus: null });
    expect(await near(store, 1, 0)).toEqual(['a']);
    await replace(documents, 'a', { extractedText: 'again' });
    expect([await near(store, 1, 0), await store.backlogCount()]).toEqual([[], 1]);
    await store.put(await entryOf('title a'), [chunk(0, 1, 0)]);
    await replace(documents, 'a', { extractedText: 'again', deletedAt: 9 });
    expect([await near(store, 1, 0), await store.backlogCount()]).toEqual([[], 0]);
  });

  test('are found nearest first, each document once, of their owner only', async () => {
    const { documents, store, entryOf } = await opened();
    await store.use({ model: 'm', dim: 3 });
    await add(documents, documentOf('a'), documentOf('b'), documentOf('c', { owner: 'bob' }));
    await add(documents, documentOf('d'));
    await store.put(await entryOf('title a'), [chunk(0, 0, 1, 0), chunk(20, 0.9, 0.1, 0)]);
    await store.put(await entryOf('title b'), [chunk(5, 1, 0, 0), chunk(9, 1, 0.2, 0)]);
    await store.put(await entryOf('title c'), [chunk(0, 1, 0, 0)]);
    await store.put(await entryOf('title d'), []);
    const found = await store.nearest('ann', vector(2, 0, 0), 10, signal);
    expect(found.map(({ id, start }) => [id, start])).toEqual([
      ['b', 5],
      ['a', 20],
    ]);
    expect(found[0]!.similarity).toBeCloseTo(1, 5);
    expect(found[1]).toMatchObject({ length: 10, similarity: expect.closeTo(0.9939, 3) });
    expect(await store.nearest('ann', vector(2, 0, 0), 1, signal)).toHaveLength(1);
    expect(await near(store, 0, 1, 0)).toEqual(['a', 'b']);
    expect(await near(store, 1, 0)).toEqual([]);
    expect(await store.nearest('carl', vector(1, 0, 0), 10, signal)).toEqual([]);
    expect(await store.nearest('ann', vector(1, 0, 0), 10, AbortSignal.abort())).toEqual([]);
  });

  test('of many numbers and many documents are compared exactly', async () => {
    const { documents, store, entryOf } = await opened();
    await store.use({ model: 'm', dim: 1_024 });
    const numbers = (seed: number) =>
      Float32Array.from({ length: 1_024 }, (_, n) => Math.sin(seed * 1_000 + n * (seed + 1)));
    for (let n = 0; n < 30; n += 1) await add(documents, documentOf(`${n}`));
    for (let n = 0; n < 30; n += 1) {
      const at = { start: n, length: 1, vector: numbers(n) };
      await store.put(await entryOf(`title ${n}`), [at]);
    }
    for (const n of [0, 7, 29]) {
      const [best] = await store.nearest('ann', numbers(n), 5, signal);
      expect(best).toMatchObject({ id: `${n}`, start: n });
      expect(best!.similarity).toBeCloseTo(1, 5);
    }
  });
});
