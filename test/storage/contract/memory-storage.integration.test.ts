/** The contract of the memory's storage port, for every database. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Fact } from '#memory/fact';
import type { FactCandidate, FactChange, MemoryStorage } from '#memory/memory-port';
import { memoryEventSchema } from '#shared/wire/memory-event';
import { useLibraryStores } from '#test/support/library-stores';
import { largeText, unusualTexts } from './storable-texts.ts';

const stores = useLibraryStores();

const fact = (id: string, more: Partial<Fact> = {}): Fact => ({
  id,
  userId: 'ann',
  text: `fact ${id}`,
  createdBy: 'chat',
  channel: 'synology',
  jobId: 'job-1',
  createdAt: 1_000,
  forgottenAt: null,
  forgottenBy: null,
  revision: 1,
  ...more,
});
const kept = (one: Fact, terms: readonly string[] = []): FactChange => ({
  fact: one,
  terms,
  event: { type: 'kept', data: { created_by: one.createdBy } },
});
const forgotten = (one: Fact): FactChange => ({
  fact: { ...one, forgottenAt: 9_000, forgottenBy: 'job-2', revision: one.revision + 1 },
  terms: [],
  event: { type: 'forgotten', data: {} },
});
const many = 1_000;
const keep = (memory: MemoryStorage, ...all: Fact[]) =>
  memory.commit(
    all.map((one) => kept(one, one.text.split(' '))),
    many,
  );
const ids = (rows: readonly Fact[]): string[] => rows.map(({ id }) => id);
const found = (rows: readonly FactCandidate[]): string[] => rows.map(({ fact: { id } }) => id);

describe.each(stores)('the memory in $name', ({ missing, open }) => {
  beforeEach(({ skip }) => skip(missing !== null, missing ?? ''));

  test('has facts as they were written, whatever their text', async () => {
    const { memory } = await open();
    const all = unusualTexts.map((text, at) =>
      fact(`f${at}`, { text: `${at} ${text}`, channel: text, jobId: null }),
    );
    expect(await keep(memory, ...all)).toBe('done');
    for (const one of all) {
      expect(await memory.find(one.id)).toEqual(one);
      expect(await memory.findSame('ann', one.text)).toEqual(one);
    }
    expect(await memory.find('unknown')).toBeNull();
  });

  test('has each fact of a person once, whatever its case, width and blanks', async () => {
    const { memory } = await open();
    await keep(memory, fact('a', { text: 'My cat is Ｍｉｎ' }));
    expect(await memory.findSame('ann', 'my  CAT is min')).toMatchObject({ id: 'a' });
    expect(await memory.findSame('bob', 'my cat is min')).toBeNull();
    expect(await keep(memory, fact('b', { text: 'MY CAT IS MIN' }))).toBe('conflict');
    expect(await memory.find('b')).toBeNull();
    expect(await keep(memory, fact('c', { text: 'MY CAT IS MIN', userId: 'bob' }))).toBe('done');
  });

  test('is written all or not at all: a change of another revision is a conflict', async () => {
    const { memory, run } = await open();
    await keep(memory, fact('a'), fact('b'));
    const wrong = forgotten(fact('b', { revision: 2 }));
    expect(await memory.commit([forgotten(fact('a')), wrong], many)).toBe('conflict');
    expect(await keep(memory, fact('a', { text: 'again' }))).toBe('conflict');
    expect(ids(await memory.list('ann', null, 10))).toEqual(['b', 'a']);
    expect(await run('select type from document_event')).toHaveLength(2);
    expect(await memory.commit([forgotten(fact('a'))], many)).toBe('done');
    expect(await memory.commit([forgotten(fact('a'))], many)).toBe('conflict');
    expect(ids(await memory.list('ann', null, 10))).toEqual(['b']);
  });

  test('holds no more facts of a person than the limit, also when two are kept at once', async () => {
    const { memory } = await open();
    const first = memory.commit([kept(fact('a'))], 1);
    const second = memory.commit([kept(fact('b'))], 1);
    expect([await first, await second]).toEqual(['done', 'conflict']);
    expect(await memory.commit([kept(fact('c', { userId: 'bob' }))], 1)).toBe('done');
    expect(await memory.commit([forgotten(fact('a'))], 0)).toBe('done');
    expect(await memory.commit([kept(fact('b'))], 1)).toBe('done');
    expect([await memory.count('ann'), await memory.count('bob'), await memory.count('x')]).toEqual(
      [1, 1, 0],
    );
  });

  test('is listed newest first, of one person or of all, page by page', async () => {
    const { memory } = await open();
    await keep(
      memory,
      fact('a', { createdAt: 3 }),
      fact('b', { createdAt: 2 }),
      fact('c', { createdAt: 2 }),
      fact('d', { createdAt: 9, userId: 'bob' }),
    );
    expect(ids(await memory.list('ann', null, 10))).toEqual(['a', 'c', 'b']);
    expect(ids(await memory.list(null, null, 2))).toEqual(['d', 'a']);
    expect(ids(await memory.list(null, { createdAt: 3, id: 'a' }, 2))).toEqual(['c', 'b']);
    expect(ids(await memory.list('ann', { createdAt: 2, id: 'c' }, 2))).toEqual(['b']);
  });

  test('finds facts by their terms: many and rare ones first, then the newest; never those of others', async () => {
    const { memory } = await open();
    const common = Array.from({ length: 40 }, (_, n) =>
      fact(`n${String(n).padStart(2, '0')}`, { text: `name ${n} x`, createdAt: n }),
    );
    await keep(memory, ...common);
    await keep(memory, fact('dog', { text: 'dog name 보리', createdAt: 0 }));
    await keep(memory, fact('other', { text: 'dog name', userId: 'bob' }));
    expect(found(await memory.candidates('ann', ['dog', 'name'], 2))).toEqual(['dog', 'n39']);
    expect(found(await memory.candidates('ann', ['보리'], 9))).toEqual(['dog']);
    const [best] = await memory.candidates('ann', ['dog', '보리', 'cat'], 9);
    expect(best!.terms.toSorted()).toEqual(['dog', '보리']);
    expect(await memory.candidates('ann', ['name'], 100)).toHaveLength(32);
    expect(await memory.candidates('ann', [], 9)).toEqual([]);
    expect(await memory.candidates('ann', ["o'r", '%', '\0'], 9)).toEqual([]);
  });

  test('does not find, list or count a forgotten fact; its words are gone when it is erased', async () => {
    const { memory, run } = await open();
    const secret = fact('a', { text: 'door code 4711', createdAt: 5 });
    await keep(memory, secret, fact('b', { userId: 'bob' }));
    await memory.commit([forgotten(secret)], many);
    expect(await memory.list('ann', null, 10)).toEqual([]);
    expect(await memory.candidates('ann', ['door', 'code', '4711'], 10)).toEqual([]);
    expect(await memory.findSame('ann', secret.text)).toBeNull();
    expect(ids(await memory.unerased(null, 10))).toEqual(['a']);
    expect(ids(await memory.unerased('bob', 10))).toEqual([]);
    await memory.erase(['a', 'b']);
    expect(await memory.unerased(null, 10)).toEqual([]);
    expect((await memory.find('b'))?.text).toBe('fact b');
    const left = await Promise.all(
      ['memory_fact', 'memory_term', 'document_event'].map((table) =>
        run(`select * from ${table}`),
      ),
    );
    expect(JSON.stringify(left)).not.toMatch(/4711|door/);
    expect(await memory.find('a')).toMatchObject({ text: '', forgottenBy: 'job-2' });
  });

  test('has events, stored with the change, without words of the fact', async () => {
    const { memory } = await open();
    await keep(memory, fact('a'));
    await memory.commit([forgotten(fact('a'))], many);
    const events = await memory.events('a', 0, 10);
    expect(events.map(({ id, type, state, at }) => [id, type, state, at])).toEqual([
      ['a:1', 'kept', 'kept', '1970-01-01T00:00:01.000Z'],
      ['a:2', 'forgotten', 'forgotten', '1970-01-01T00:00:09.000Z'],
    ]);
    for (const one of events) expect(memoryEventSchema.safeParse(one).success).toBe(true);
    expect(await memory.events('a', 1, 10)).toHaveLength(1);
  });

  test('loses what is left of erased facts after a time, and never a fact that is remembered', async () => {
    const { memory } = await open();
    await keep(memory, fact('a'), fact('b'), fact('c'));
    await memory.commit([forgotten(fact('a')), forgotten(fact('b'))], many);
    await memory.erase(['a']);
    expect(await memory.prune(9_000)).toBe(0);
    expect(await memory.prune(Number.MAX_SAFE_INTEGER)).toBe(1);
    expect(await memory.find('a')).toBeNull();
    expect(await memory.events('a', 0, 10)).toEqual([]);
    expect(ids(await memory.unerased(null, 10))).toEqual(['b']);
    expect(ids(await memory.list(null, null, 10))).toEqual(['c']);
  });

  test('on a full disk refuses with a code, and nothing of the change stays', async () => {
    const { memory, fillDisk } = await open();
    await keep(memory, fact('a'));
    const free = await fillDisk();
    const large = [kept(fact('b')), kept(fact('c', { text: largeText }))];
    await expect(memory.commit(large, many)).rejects.toMatchObject({
      code: 'GH_STORE_UNAVAILABLE',
    });
    await free();
    expect(await memory.find('b')).toBeNull();
    expect(await memory.commit(large, many)).toBe('done');
  });
});
