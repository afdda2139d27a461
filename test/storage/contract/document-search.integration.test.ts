/** The contract of full-text search in the library's storage port, for every database. */
import { beforeEach, describe, expect, test } from 'vitest';
import { useLibraryStores } from '#test/support/library-stores';
import { documentOf, changeOf, tokensOf, write, add, word, found } from './library-changes.ts';

const stores = useLibraryStores();

describe.each(stores)('the full text of documents in $name', ({ missing, open }) => {
  beforeEach(({ skip }) => skip(missing !== null, missing ?? ''));

  test('is found by phrases, prefixes, all and any words, of its owner only', async () => {
    const { documents } = await open();
    const body = (id: string, text: string, owner = 'ann') =>
      documentOf(id, { extractedText: text, owner });
    await add(documents, body('a', 'boiler test report'), body('b', 'report of a boiler'));
    await add(documents, body('c', 'boilers'), body('d', 'boiler', 'bob'));
    expect(await found(documents, word('boiler'))).toEqual(['a', 'b']);
    expect(await found(documents, { words: ['boiler'], isPrefix: true })).toEqual(['a', 'b', 'c']);
    expect(await found(documents, word('boiler', 'test'))).toEqual(['a']);
    expect(await found(documents, { words: ['boiler', 'te'], isPrefix: true })).toEqual(['a']);
    expect(await found(documents, { all: [word('boiler'), word('of')] })).toEqual(['b']);
    expect(await found(documents, { any: [word('test'), word('boilers')] })).toEqual(['a', 'c']);
    const nested = { all: [{ any: [word('of'), { all: [word('test')] }] }, word('report')] };
    expect(await found(documents, nested)).toEqual(['a', 'b']);
    expect(await found(documents, word('" OR boiler'))).toEqual([]);
    const ids = ['a', 'c', 'unknown'];
    expect(await documents.filterMatching(ids, word('boiler'))).toEqual(['a']);
    expect(await documents.filterMatching([], word('boiler'))).toEqual([]);
    expect(await documents.search('ann', word('boiler'), 1)).toHaveLength(1);
  });

  test('changes with its document: new tokens replace the old, undefined keeps them, null removes them', async () => {
    const { documents } = await open();
    await add(documents, documentOf('a', { extractedText: 'old' }));
    const replace = (tokens: ReturnType<typeof tokensOf> | null | undefined) =>
      documents.commit(changeOf({ replaced: [{ document: documentOf('a'), tokens }] }));
    await replace(tokensOf('new'));
    expect([await found(documents, word('old')), await found(documents, word('new'))]).toEqual([
      [],
      ['a'],
    ]);
    await replace(undefined);
    expect(await found(documents, word('new'))).toEqual(['a']);
    await documents.commit(changeOf({ reindexed: [{ id: 'a', tokens: tokensOf('again') }] }));
    expect(await found(documents, word('again'))).toEqual(['a']);
    await replace(null);
    expect(await found(documents, word('again'))).toEqual([]);
    expect(await documents.outdatedIndex(10)).toEqual([]);
  });

  test('of a backlog is listed with whether there is any, and leaves it when it is indexed', async () => {
    const { documents, run } = await open();
    await add(documents, documentOf('a'), documentOf('b'));
    await documents.commit(changeOf({ replaced: [{ document: documentOf('b'), tokens: null }] }));
    await run('insert into document_words_backlog select num from document');
    const outdated = async () =>
      (await documents.outdatedIndex(10)).toSorted((one, other) => (one.id < other.id ? -1 : 1));
    expect(await outdated()).toEqual([
      { id: 'a', hasTokens: true },
      { id: 'b', hasTokens: false },
    ]);
    expect(await documents.outdatedIndex(1)).toHaveLength(1);
    await documents.commit(changeOf({ reindexed: [{ id: 'a', tokens: undefined }] }));
    expect(await outdated()).toEqual([{ id: 'b', hasTokens: false }]);
    await documents.commit(changeOf({ reindexed: [{ id: 'b', tokens: tokensOf('fresh') }] }));
    expect(await outdated()).toEqual([]);
    expect(await found(documents, word('fresh'))).toEqual(['b']);
  });

  test('is found by every phrase of a long one, and by words that are far apart', async () => {
    const { documents } = await open();
    const words = Array.from({ length: 40_000 }, (_, n) => (n % 3 === 0 ? 'often' : `w${n}`));
    const body = words.join(' ');
    await documents.commit(changeOf({ added: [write(documentOf('long'), body)] }));
    await documents.commit(changeOf({ added: [write(documentOf('short'), 'w1 w2 often')] }));
    for (const at of [0, 700, 740, 747, 748, 749, 750, 751, 752, 16_000, 16_383, 39_900]) {
      const phrase = words.slice(at, at + 100);
      expect(await found(documents, word(...phrase)), `at ${at}`).toEqual(['long']);
    }
    expect(await found(documents, word('w1', 'w4'))).toEqual([]);
    expect(await found(documents, { all: [word('w1'), word('w39998')] })).toEqual(['long']);
    expect(await found(documents, { all: [word('w1'), word('w39998'), word('absent')] })).toEqual(
      [],
    );
    const either = { any: [word('absent'), { all: [word('w39998'), word('w1', 'w2')] }] };
    expect(await found(documents, either)).toEqual(['long']);
    expect(await found(documents, word('often'))).toEqual(['long', 'short']);
    expect(await documents.filterMatching(['long', 'short'], word('w39998'))).toEqual(['long']);
    await documents.commit(changeOf({ replaced: [write(documentOf('long'), 'brief')] }));
    expect(await found(documents, word('w39998'))).toEqual([]);
    expect(await found(documents, word('brief'))).toEqual(['long']);
  });

  test('does not continue a phrase from the title into the text, or from there into the markdown', async () => {
    const { documents } = await open();
    const document = documentOf('a');
    await documents.commit(
      changeOf({ added: [{ document, tokens: tokensOf('text body', 'title', 'markdown') }] }),
    );
    expect(await found(documents, word('text', 'body'))).toEqual(['a']);
    expect(await found(documents, word('title', 'text'))).toEqual([]);
    expect(await found(documents, word('body', 'markdown'))).toEqual([]);
  });

  test('is not found by signs that are operators in some database, and is found by words that are', async () => {
    const { documents } = await open();
    const operators = ["'", "''", ':', '&', '|', '!', '(', ')', '*', '<', '>', '<->', '\\', "\\'"];
    await add(documents, documentOf('a', { extractedText: 'plain or not near and' }));
    for (const sign of [
      ...operators,
      '"',
      '-',
      '^',
      'zz:*',
      "zz' | 'plain",
      'zz\\b',
      '',
      ' ',
      '\u0000',
    ]) {
      const terms = [
        word(sign),
        { words: [sign], isPrefix: true },
        word(sign, sign),
        { all: [word(sign), word('absent')] },
        { any: [word(sign), word('absent')] },
      ];
      for (const term of terms) {
        expect(await found(documents, term), JSON.stringify(term)).toEqual([]);
        expect(await documents.filterMatching(['a'], term)).toEqual([]);
      }
    }
    for (const one of ['or', 'not', 'and', 'near']) {
      expect(await found(documents, word(one))).toEqual(['a']);
    }
    expect(await found(documents, { all: [word('plain'), word('')] })).toEqual([]);
    expect(await found(documents, { any: [word('plain'), word('')] })).toEqual(['a']);
  });
});
