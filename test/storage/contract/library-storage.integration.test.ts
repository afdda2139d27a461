/** The contract of the library's storage port, for every database. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Document } from '#library/document';
import type { LibraryChange } from '#library/document-port';
import type {
  DocumentVersion,
  DraftRecord,
  DraftSection,
} from '#library/drafts/draft-storage-port';
import { useLibraryStores } from '#test/support/library-stores';
import { largeText, unusualTexts } from './storable-texts.ts';
import { documentOf, changeOf, write, add, eventOf, wanted } from './library-changes.ts';

const stores = useLibraryStores();

describe.each(stores)('documents in $name', ({ missing, open }) => {
  beforeEach(({ skip }) => skip(missing !== null, missing ?? ''));

  test('are found by id and by path as they were stored, and unknown ones are null', async () => {
    const { documents } = await open();
    const file = documentOf('b', {
      sourceMetadata: { source: 'file', path: '/a', note: { x: [1] } },
      mdContent: '# b',
      mdGeneratedAt: 5,
      deletedAt: 7,
    });
    await add(documents, documentOf('a'), file);
    expect(await documents.find('a')).toEqual(documentOf('a'));
    expect(await documents.findFile('ann', '/a')).toEqual(file);
    expect(await documents.find('unknown')).toBeNull();
    expect(await documents.findFile('bob', '/a')).toBeNull();
    expect(await documents.findFile('ann', '/unknown')).toBeNull();
  });

  test('keep unusual texts, and a lone surrogate becomes U+FFFD', async () => {
    const { documents } = await open();
    for (const [n, text] of [...unusualTexts, largeText].entries()) {
      const one = documentOf(`d${n}`, { extractedText: text, mdContent: text, title: text });
      await add(documents, one);
      expect(await documents.find(one.id)).toEqual(one);
    }
    await add(documents, documentOf('lone', { extractedText: 'x\ud800y' }));
    expect((await documents.find('lone'))!.extractedText).toBe('x\ufffdy');
  });

  test('are listed newest first, page by page, by every filter, and without deleted ones', async () => {
    const { documents } = await open();
    const drafted = { contentOrigin: 'ai_drafted', mdDraftStatus: 'draft' } as const;
    await add(
      documents,
      documentOf('1', { extractedText: '가'.repeat(900) }),
      documentOf('2', { sourceMetadata: wanted }),
      documentOf('3', { ...drafted, sourceMetadata: { source: 'file' } }),
      documentOf('4', { deletedAt: 9 }),
      documentOf('5', { owner: 'bob' }),
    );
    const ids = async (more: object) =>
      (await documents.list({ owner: 'ann', limit: 10, ...more })).map(({ id }) => id);
    expect(await ids({})).toEqual(['3', '2', '1']);
    expect(await ids({ limit: 1 })).toEqual(['3']);
    expect(await ids({ before: '3' })).toEqual(['2', '1']);
    expect(await ids({ memosOnly: true })).toEqual(['2', '1']);
    expect(await ids({ origin: 'ai_drafted' })).toEqual(['3']);
    expect(await ids({ draftStatus: 'draft' })).toEqual(['3']);
    expect(await ids({ needsDraft: true })).toEqual(['2']);
    expect(await ids({ needsDraft: false })).toEqual(['3', '1']);
    const [last] = await documents.list({ owner: 'ann', limit: 1, before: '2' });
    expect(last!.head).toBe('가'.repeat(300));
  });

  test('refuse a change whose basis is no longer true, and write nothing of it', async () => {
    const { documents } = await open();
    const file = { source: 'file', path: '/f' } as const;
    await add(documents, documentOf('a', { updatedAt: 5, sourceMetadata: wanted }));
    await add(documents, documentOf('f', { sourceMetadata: file }));
    const record = (await documents.drafts.find('a'))!;
    const basis = (more: Partial<LibraryChange['basis']>) => ({
      basis: { documents: new Map(), drafts: new Map(), files: [], ...more },
    });
    const refused = [
      basis({ documents: new Map([['a', 4]]) }),
      basis({ documents: new Map([['a', null]]) }),
      basis({ documents: new Map([['unknown', 4]]) }),
      basis({ drafts: new Map([['a', null]]) }),
      basis({ drafts: new Map([['a', { ...record, attempts: 1 }]]) }),
      basis({ drafts: new Map([['f', record]]) }),
      basis({ files: [{ owner: 'ann', path: '/f', id: null }] }),
      basis({ files: [{ owner: 'bob', path: '/f', id: 'f' }] }),
      { replaced: [write(documentOf('unknown'))] },
      { replaced: [write(documentOf('a', { owner: 'bob' }))] },
    ];
    for (const writes of refused) {
      const change = changeOf({
        added: [write(documentOf('new'))],
        events: [eventOf('a')],
        settings: [{ name: 's', value: '1' }],
        ...writes,
      });
      expect(await documents.commit(change)).toBe('conflict');
    }
    expect(await documents.find('new')).toBeNull();
    expect(await documents.events.newest('a', 10)).toEqual([]);
    expect(await documents.drafts.getSetting('s')).toBeNull();
    const current = basis({
      documents: new Map<string, number | null>([
        ['a', 5],
        ['unknown', null],
      ]),
      drafts: new Map<string, DraftRecord | null>([
        ['a', record],
        ['f', null],
      ]),
      files: [{ owner: 'ann', path: '/f', id: 'f' }],
    });
    expect(await documents.commit(changeOf({ ...current, events: [eventOf('a')] }))).toHaveLength(
      1,
    );
  });

  test('of which two have the same path are changed as long as the first is the same', async () => {
    const { documents } = await open();
    const sourceMetadata = { source: 'file', path: `/${'경로'.repeat(2_000)}` } as const;
    await add(documents, documentOf('a', { sourceMetadata }), documentOf('b', { sourceMetadata }));
    const found = (await documents.findFile('ann', sourceMetadata.path))!;
    const basis = (id: string) => ({
      documents: new Map<string, number | null>(),
      drafts: new Map<string, DraftRecord | null>(),
      files: [{ owner: 'ann', path: sourceMetadata.path, id }],
    });
    const events = [eventOf('a')];
    expect(await documents.commit(changeOf({ basis: basis(found.id), events }))).toHaveLength(1);
    expect(await documents.commit(changeOf({ basis: basis('other'), events }))).toBe('conflict');
  });

  test('are refused with GH_STORE_UNAVAILABLE on a full disk or a broken rule, and nothing is written', async () => {
    const { documents, fillDisk } = await open();
    await add(documents, documentOf('a'));
    const unavailable = expect.objectContaining({ code: 'GH_STORE_UNAVAILABLE' });
    const attempt = (...added: Document[]) => {
      const change = changeOf({ events: [eventOf('a')], added: added.map((one) => write(one)) });
      return expect(async () => documents.commit(change)).rejects.toThrow(unavailable);
    };
    await attempt(documentOf('b'), documentOf('a'));
    await attempt(documentOf('b'), documentOf('c', { mdDraftStatus: 'draft' }));
    const release = await fillDisk();
    await attempt(documentOf('b'), documentOf('c', { extractedText: largeText }));
    await release();
    expect(await documents.find('b')).toBeNull();
    expect(await documents.events.newest('a', 10)).toEqual([]);
    expect(await add(documents, documentOf('b'))).toEqual([]);
  });

  test('are purged with all that belongs to them when they were deleted before the time', async () => {
    const { documents } = await open();
    await add(documents, documentOf('a', { deletedAt: 5 }), documentOf('b', { deletedAt: 9 }));
    await documents.commit(changeOf({ events: [eventOf('a'), eventOf('b')] }));
    expect(await documents.purgeDeleted(9)).toBe(1);
    expect(await documents.find('a')).toBeNull();
    expect(await documents.events.newest('a', 10)).toEqual([]);
    expect(await documents.find('b')).not.toBeNull();
  });
});

describe.each(stores)('drafts in $name', ({ missing, open }) => {
  beforeEach(({ skip }) => skip(missing !== null, missing ?? ''));

  test('exist while their document needs one, and are read in the order of their due time', async () => {
    const { documents } = await open();
    const { drafts } = documents;
    for (const id of ['b', 'a', 'c']) {
      await add(documents, documentOf(id, { sourceMetadata: wanted, extractedText: '글자 😀' }));
    }
    expect(await drafts.nextDue(0)).toBe('a');
    expect(await drafts.findListed('a')).toMatchObject({ owner: 'ann', chars: 4, attempts: 0 });
    const save = async (documentId: string, edit: Partial<DraftRecord>) => {
      const record = { ...(await drafts.find(documentId))!, ...edit };
      return documents.commit(changeOf({ drafts: [{ documentId, record }] }));
    };
    await save('a', { dueAt: 9, lastCode: 'X', lastError: 'why' });
    await save('b', { state: 'drafting', attempts: 2, claimedAt: 3 });
    await save('c', { state: 'dead' });
    const ids = async (owner: string | null, state: DraftRecord['state']) =>
      (await drafts.list(owner, state, 10)).map(({ documentId }) => documentId);
    expect(await drafts.nextDue(8)).toBeNull();
    expect(await drafts.nextDue(9)).toBe('a');
    expect([await ids(null, 'waiting'), await ids('bob', 'waiting')]).toEqual([['a'], []]);
    expect(await ids('ann', 'dead')).toEqual(['c']);
    expect(await drafts.claimed()).toMatchObject([{ documentId: 'b', attempts: 2, claimedAt: 3 }]);
    await documents.commit(changeOf({ drafts: [{ documentId: 'b', record: null }] }));
    expect([await drafts.find('b'), await drafts.findListed('unknown')]).toEqual([null, null]);
    await save('a', { queuedAt: 100, dueAt: 100 });
    await drafts.rescheduleFutureDates(50, 1_000);
    expect(await drafts.find('a')).toMatchObject({ queuedAt: 50, dueAt: 50 });
    const orphan = { ...(await drafts.find('a'))!, documentId: 'unknown' };
    const change = changeOf({ drafts: [{ documentId: 'unknown', record: orphan }] });
    await expect(async () => documents.commit(change)).rejects.toThrow('no draft');
  });

  test('have versions, sections and settings, which are replaced by their keys', async () => {
    const { documents } = await open();
    const { drafts } = documents;
    const drafted = { contentOrigin: 'ai_drafted', mdDraftStatus: 'draft' } as const;
    await add(documents, documentOf('a', { ...drafted, mdGeneratedAt: 7 }));
    const version = (n: number, mdContent: string): DocumentVersion => ({
      documentId: 'a',
      version: n,
      madeBy: 'draft',
      status: 'draft',
      at: n,
      textSha256: 'x',
      mdContent,
    });
    const section = (mdContent: string): DraftSection => ({
      documentId: 'a',
      section: 0,
      requestSha256: 'x',
      mdContent,
    });
    await documents.commit(
      changeOf({ versions: [version(1, 'one'), version(2, largeText)], sections: [section('s')] }),
    );
    await documents.commit(
      changeOf({
        versionStatuses: [{ documentId: 'a', version: 1, status: 'replaced' }],
        sections: [section('t')],
        settings: [{ name: 'n', value: '1' }],
      }),
    );
    const heads = await drafts.versions('a');
    expect(heads.map((one) => [one.version, one.status])).toEqual([
      [2, 'draft'],
      [1, 'replaced'],
    ]);
    const page = await drafts.versionPage('a', { before: null, limit: 1, charsMax: 3 });
    expect(page.map(({ mdContent }) => mdContent)).toEqual([largeText.slice(0, 3)]);
    expect(await drafts.versionPage('a', { before: 1, limit: 9, charsMax: 3 })).toEqual([]);
    expect((await drafts.version('a', 2))!.mdContent).toBe(largeText);
    expect(await drafts.version('a', 3)).toBeNull();
    expect(await drafts.sections('a')).toEqual([section('t')]);
    expect([await drafts.getSetting('n'), await drafts.getSetting('m')]).toEqual(['1', null]);
    expect(await drafts.undecided('ann', 9)).toMatchObject([{ documentId: 'a', at: 7 }]);
    expect(await drafts.undecided('bob', 9)).toEqual([]);
    const twice = changeOf({ versions: [version(2, 'again')] });
    const code = 'GH_STORE_UNAVAILABLE';
    await expect(async () => documents.commit(twice)).rejects.toMatchObject({ code });
  });
});

describe.each(stores)('document events in $name', ({ missing, open }) => {
  beforeEach(({ skip }) => skip(missing !== null, missing ?? ''));

  test('are numbered per document from 1 without a gap, read in order, and pruned but for the last', async () => {
    const { documents } = await open();
    const { events } = documents;
    const data = { text: 'a "b" \\ 😀', n: [1, null] };
    const stored = await documents.commit(
      changeOf({ events: [eventOf('a', 1, data), eventOf('b', 2), eventOf('a', 3)] }),
    );
    expect(stored).toMatchObject([
      { id: 'a:1', seq: 1, data },
      { id: 'b:1', seq: 1 },
      { id: 'a:2', seq: 2 },
    ]);
    const seqs = async (after: number, limit: number) =>
      (await events.ofDocument('a', after, limit)).map(({ seq }) => seq);
    await documents.commit(changeOf({ events: [eventOf('a', 4)] }));
    expect([await seqs(0, 2), await seqs(1, 9), await seqs(3, 9)]).toEqual([[1, 2], [2, 3], []]);
    expect((await events.newest('a', 2)).map(({ seq }) => seq)).toEqual([2, 3]);
    expect(await events.ofDocument('unknown', 0, 9)).toEqual([]);
    expect(await events.prune(100)).toBe(2);
    expect(await seqs(0, 9)).toEqual([3]);
    await documents.commit(changeOf({ events: [eventOf('a', 5)] }));
    expect(await seqs(0, 9)).toEqual([3, 4]);
  });
});
