/** The answers of an embedding server, the split of a text into chunks, and the vector store. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEmbeddings, type EmbeddingsClient } from '#models/embeddings/embeddings';
import { chunkCharsMax, splitIntoChunks } from '#library/semantic/embedding-chunks';
import { systemClock } from '#shared/clock';
import { openVectorStore } from '#library/store/vector-store';
import { openLibrary } from '#test/library/library-fixture';
import {
  embeddingList,
  startFakeEmbeddings,
  type FakeEmbeddings,
} from '#test/support/fake-embeddings';

describe('an answer of an embedding server', () => {
  let server: FakeEmbeddings;
  let client: EmbeddingsClient;
  beforeEach(async () => {
    server = await startFakeEmbeddings();
    client = clientOf(20_000);
  });
  afterEach(async () => {
    await client.close();
    await server.refuse();
  });

  const clientOf = (timeoutMs: number): EmbeddingsClient => {
    const { baseUrl } = server;
    const config = { baseUrl, model: 'm', apiKey: 'secret', batch: 32, queryTimeoutMs: 0 };
    return createEmbeddings({ config: { ...config, timeoutMs }, gate: null, clock: systemClock });
  };

  const embed = async (answer: unknown, texts = ['a', 'b']) => {
    server.answer = () => answer;
    return client.embed(texts, 'index', new AbortController().signal);
  };
  const list = (...items: object[]) => ({ data: items });

  test('with lists of numbers is returned unchanged', async () => {
    const outcome = await embed(
      embeddingList([
        [1, 0],
        [0.5, 2],
      ]),
    );
    expect(outcome).toEqual({
      ok: true,
      vectors: [Float32Array.of(1, 0), Float32Array.of(0.5, 2)],
    });
    expect(server.requests[0]).toEqual({ model: 'm', input: ['a', 'b'], encoding_format: 'float' });
  });

  test('in base64 is read as little-endian floats', async () => {
    const bytes = Buffer.alloc(8);
    bytes.writeFloatLE(1.5, 0);
    bytes.writeFloatLE(-2, 4);
    const outcome = await embed(embeddingList([bytes.toString('base64')]), ['a']);
    expect(outcome).toEqual({ ok: true, vectors: [Float32Array.of(1.5, -2)] });
  });

  test('in another order is sorted by its index', async () => {
    const outcome = await embed(list({ index: 1, embedding: [2] }, { index: 0, embedding: [1] }));
    expect(outcome).toMatchObject({ ok: true, vectors: [Float32Array.of(1), Float32Array.of(2)] });
  });

  test.each([
    ['with one vector too few', embeddingList([[1]])],
    ['with vectors of different length', embeddingList([[1], [1, 2]])],
    [
      'with a vector of nothing',
      embeddingList([
        [1, 0],
        [0, 0],
      ]),
    ],
    ['with what is no number', embeddingList([['x'], [1]])],
    ['with the same index twice', list({ index: 0, embedding: [1] }, { index: 0, embedding: [1] })],
    ['that is no list', { hello: 'world' }],
    ['that is nothing', null],
  ])('%s is refused', async (_, answer) => {
    expect(await embed(answer)).toMatchObject({ ok: false, isInput: false });
  });

  test('that does not arrive in time, or cannot be requested, is reported with the reason', async () => {
    server.answer = () => undefined;
    const impatient = clientOf(200);
    const late = await impatient.embed(['a'], 'query', new AbortController().signal);
    await impatient.close();
    expect(late).toMatchObject({ ok: false, reason: expect.stringContaining('200 ms') });
    await server.refuse();
    const gone = await client.embed(['a'], 'query', new AbortController().signal);
    expect(gone).toMatchObject({ ok: false, reason: expect.stringMatching(/^connect_refused/) });
  });

  test('that repeats the API key is reported without the key', async () => {
    server.answer = (_body, response) => {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end('{"error":{"message":"bad key secret"}}');
      return undefined;
    };
    const outcome = await client.embed(['a'], 'index', new AbortController().signal);
    expect(outcome).toMatchObject({ ok: false, isInput: false, reason: 'HTTP 401: bad key …' });
  });
});

describe('the split of a text into chunks', () => {
  test('covers every letter and digit within the size limit, and breaks no character', () => {
    const texts = fc
      .array(
        fc.constantFrom(
          '가나다라 ',
          '문장입니다. ',
          '\n\n',
          '한 줄\n',
          '👍🏽',
          'long words ',
          'ㅋ'.repeat(300),
        ),
      )
      .map((parts) => parts.join('').repeat(4));
    fc.assert(
      fc.property(texts, fc.constantFrom(chunkCharsMax, 200), (text, charsMax) => {
        const chunks = splitIntoChunks(text, charsMax);
        let covered = 0;
        for (const { start, length, text: said } of chunks) {
          const piece = text.slice(start, start + length);
          expect(length).toBeLessThanOrEqual(charsMax);
          expect(said).toBe(piece.trim());
          expect(piece.isWellFormed()).toBe(true);
          // Between two chunks there are no letters or digits.
          expect(text.slice(covered, Math.max(covered, start))).not.toMatch(/[\p{L}\p{N}]/u);
          covered = Math.max(covered, start + length);
        }
        expect(text.slice(covered)).not.toMatch(/[\p{L}\p{N}]/u);
      }),
    );
  });

  test('returns no chunk for a text without letters or digits, and one chunk for a short text', () => {
    expect(splitIntoChunks(' \n… --- 👍')).toEqual([]);
    expect(splitIntoChunks('메모')).toEqual([{ start: 0, length: 2, text: '메모' }]);
  });

  test('ends the first chunk at the end of a paragraph', () => {
    const paragraph = `${'문장 하나입니다. '.repeat(30).trim()}\n\n`;
    const [first] = splitIntoChunks(paragraph.repeat(5));
    expect(first!.length % paragraph.length).toBe(0);
  });
});

describe('the vector store', () => {
  test('ranks each document by the exact similarity of its best chunk, over several slices', async () => {
    const { database, add, close } = await openLibrary();
    const opened = await openVectorStore(database);
    if (!opened.ok) throw new Error(opened.reason);
    const { store } = opened;
    await store.use({ model: 'm', dim: 4 });
    const vector = (n: number) =>
      Float32Array.of(Math.sin(n), Math.cos(n), Math.sin(n * 7), Math.cos(n * 3));
    const all: { id: string; similarity: number }[] = [];
    const wanted = vector(0.5);
    const cosine = (a: Float32Array, b: Float32Array): number => {
      const dot = a.reduce((sum, value, index) => sum + value * b[index]!, 0);
      return dot / (Math.hypot(...a) * Math.hypot(...b));
    };
    for (let n = 0; n < 40; n += 1) {
      all.push({ id: (await add(`문서 ${n}`)).id, similarity: -1 });
    }
    // More than one slice: 40 documents of 150 chunks.
    for (const [n, entry] of (await store.backlog(40)).entries()) {
      const chunks = Array.from({ length: 150 }, (_, piece) => ({
        start: piece,
        length: 1,
        vector: vector(n * 150 + piece),
      }));
      all[n]!.similarity = Math.max(...chunks.map((chunk) => cosine(chunk.vector, wanted)));
      await store.put(entry, chunks);
    }
    const signal = new AbortController().signal;
    const near = await store.nearest('minji', wanted, 5, signal);
    const best = all.toSorted((a, b) => b.similarity - a.similarity).slice(0, 5);
    expect(near.map(({ similarity }) => similarity.toFixed(4))).toEqual(
      best.map(({ similarity }) => similarity.toFixed(4)),
    );
    expect(await store.nearest('jun', wanted, 5, signal)).toEqual([]);
    await close();
  });

  test('drops vectors of a text that has changed meanwhile, and keeps them if another field changes', async () => {
    const { database, change, add, close } = await openLibrary();
    const opened = await openVectorStore(database);
    if (!opened.ok) throw new Error(opened.reason);
    const { store } = opened;
    await store.use({ model: 'm', dim: 2 });
    const { id } = await add('첫 글');
    const [before] = await store.backlog(1);
    await change('minji', id, (current) => ({ ...current, extractedText: '다른 글' }));
    await store.put(before!, [{ start: 0, length: 1, vector: Float32Array.of(1, 0) }]);
    expect(await store.backlog(1)).toMatchObject([{ extractedText: '다른 글' }]);
    const signal = new AbortController().signal;
    expect(await store.nearest('minji', Float32Array.of(1, 0), 5, signal)).toEqual([]);
    // A change of another field keeps the vectors.
    const [again] = await store.backlog(1);
    await store.put(again!, [{ start: 0, length: 1, vector: Float32Array.of(1, 0) }]);
    await change('minji', id, (current) => ({ ...current, mdContent: '# 초안' }));
    expect(await store.backlogCount()).toBe(0);
    expect(await store.nearest('minji', Float32Array.of(1, 0), 5, signal)).toMatchObject([{ id }]);
    await close();
  });
});
