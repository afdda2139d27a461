/** Changes of documents at the same time, with every order of their reads and writes. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { keepAttachment } from '#app/attachments';
import { createDraftQueue, type Claim } from '#library/drafts/draft-queue';
import { createDraftReview } from '#library/drafts/draft-review';
import { createLibrary } from '#library/library';
import { createMemos } from '#library/memos';
import { createIdSource } from '#shared/ids';
import type { DocumentEvent } from '#shared/wire/document-event';
import { interleaved } from '#test/support/interleaved';
import { useLibraryStores } from '#test/support/library-stores';
import { createLibrarySetting } from './library-fixture.ts';

describe.each(useLibraryStores())('documents on $name', ({ missing, open: openStores }) => {
  beforeEach(({ skip }) => skip(missing !== null, missing ?? ''));
  const idle = { wake: () => undefined, retry: () => undefined, interrupt: () => undefined };

  /** Two processes on one database: their libraries share no queue, so only the basis of a change protects it. */
  async function open(scheduler: fc.Scheduler) {
    const stores = await openStores();
    const { storage, clock, ...setting } = createLibrarySetting(stores.documents);
    const published: DocumentEvent[] = [];
    const process = () => {
      const documents = interleaved(scheduler, storage);
      const drafts = interleaved(scheduler, storage.drafts);
      const store = { ...storage, ...spread(documents), drafts };
      const publish = (event: DocumentEvent) => void published.push(event);
      const library = createLibrary({ storage: store, ids: createIdSource(), clock, publish });
      const parts = { library, drafts, clock };
      const limits = { minChars: 1, maxAttempts: 3, intervalMs: 1_000 };
      return {
        library,
        memos: createMemos({ ...parts, drafter: idle }),
        queue: createDraftQueue({ ...parts, ...limits }),
        review: createDraftReview(parts),
      };
    };
    return { ...setting, stores, storage, published, one: process(), other: process() };
  }

  /** The methods of a proxied port as own properties. */
  const spread = <Port extends object>(port: Port): Port =>
    Object.fromEntries(Object.keys(port).map((name) => [name, Reflect.get(port, name)])) as Port;

  type Setting = Awaited<ReturnType<typeof open>>;

  /** Runs the scenario in many orders of its steps. */
  const inEveryOrder = (scenario: (setting: Setting, run: Run) => Promise<void>): Promise<void> =>
    fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const setting = await open(scheduler);
        await scenario(setting, (work) => scheduler.waitFor(work));
      }),
      { numRuns: 20 },
    );
  type Run = <Value>(work: Promise<Value>) => Promise<Value>;

  const memoOf = async ({ add, library }: Setting, needs_draft = false): Promise<string> => {
    const { id } = await add('원래 메모', '메모');
    if (!needs_draft) return id;
    await library.commit(id, async (changes) => {
      const current = (await changes.find(id))!;
      const sourceMetadata = { ...current.sourceMetadata, needs_draft: true };
      await changes.replace(current, { ...current, sourceMetadata });
    });
    return id;
  };

  test('two edits of different fields of one memo both take effect', () =>
    inEveryOrder(async (setting, run) => {
      const id = await memoOf(setting);
      const { one, other, storage } = setting;
      await run(
        Promise.all([
          one.memos.edit('minji', id, { text: '새 글' }),
          other.memos.edit('minji', id, { title: '새 제목' }),
        ]),
      );
      expect(await storage.find(id)).toMatchObject({ extractedText: '새 글', title: '새 제목' });
      expect(await setting.titles('새 글')).toEqual(['새 제목']);
    }));

  test('two promotions of one memo request one draft', () =>
    inEveryOrder(async (setting, run) => {
      const id = await memoOf(setting);
      const { one, other, storage } = setting;
      await run(Promise.all([one.memos.promote('minji', id), other.memos.promote('minji', id)]));
      const events = await storage.events.ofDocument(id, 0, 10);
      expect(events.map(({ type }) => type)).toEqual(['queued']);
      expect(setting.published).toEqual(events);
    }));

  test('two workers claim a memo once, and count one attempt', () =>
    inEveryOrder(async (setting, run) => {
      const id = await memoOf(setting, true);
      const { one, other, storage } = setting;
      const claims = await run(Promise.all([one.queue.claimNext(), other.queue.claimNext()]));
      expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
      expect(await storage.drafts.find(id)).toMatchObject({ state: 'drafting', attempts: 1 });
    }));

  test.each(['edit', 'remove'] as const)(
    'a claim and its draft during a %s by the user leave no draft of another text, and lose no change',
    (change) =>
      inEveryOrder(async (setting, run) => {
        const id = await memoOf(setting, true);
        const { one, other, storage } = setting;
        const drafting = async (): Promise<Claim | null> => {
          const claim = await one.queue.claimNext();
          if (claim !== null) await one.queue.complete(claim, `# 초안: ${claim.text}`, 'b');
          return claim;
        };
        const changing =
          change === 'edit'
            ? other.memos.edit('minji', id, { text: '고친 메모' })
            : other.memos.remove('minji', id);
        const [claim] = await run(Promise.all([drafting(), changing]));
        const document = (await storage.find(id))!;
        const versions = await storage.drafts.versions(id);
        if (change === 'remove') expect(document.deletedAt).not.toBeNull();
        else expect(document.extractedText).toBe('고친 메모');
        // A draft of the old text is stored only if it was complete before the edit, which then requests another.
        const isCurrent = document.mdContent === '# 초안: 고친 메모';
        const isWaiting = (await storage.drafts.find(id))?.state === 'waiting';
        if (change === 'edit') expect(isCurrent || isWaiting).toBe(true);
        else expect(await storage.drafts.find(id)).toBeNull();
        expect(versions.length).toBeLessThanOrEqual(claim === null ? 0 : 1);
        const events = await storage.events.ofDocument(id, 0, 20);
        expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
        // Published in commit order.
        expect(setting.published.map((event) => event.id)).toEqual(events.map((event) => event.id));
      }),
  );

  test('of two decisions about one draft the second is refused with its code', () =>
    inEveryOrder(async (setting, run) => {
      const id = await memoOf(setting, true);
      const { one, other, storage } = setting;
      const claiming = one.queue.claimNext();
      const claim = (await run(claiming))!;
      await run(one.queue.complete(claim, '# 초안', 'b'));
      const results = await run(
        Promise.allSettled([
          one.review.accept('minji', id, {}),
          other.review.reject('minji', id, {}),
        ]),
      );
      const refused = results.filter(({ status }) => status === 'rejected');
      expect(refused).toMatchObject([{ reason: { code: 'GH_DRAFT_NONE' } }]);
      const [version] = await storage.drafts.versions(id);
      const { mdDraftStatus } = (await storage.find(id))!;
      expect([mdDraftStatus ?? 'rejected', version!.status]).toEqual([
        version!.status,
        version!.status,
      ]);
    }));

  test('a file that is stored by two processes at once is one document', () =>
    inEveryOrder(async (setting, run) => {
      const { one, other, storage } = setting;
      const file = { name: 'a.txt', text: '첨부한 글' };
      const keep = [one, other].map(({ library }) => keepAttachment(library)('minji', file));
      await run(Promise.all(keep));
      expect(await storage.list({ owner: 'minji', limit: 10 })).toHaveLength(1);
    }));

  test('a document that is edited while it is reindexed keeps the words of its new text', () =>
    inEveryOrder(async (setting, run) => {
      const { one, other, stores, add } = setting;
      const { id } = await add('Café 원래', '메모');
      await stores.run('insert into document_words_backlog select num from document');
      await run(
        Promise.all([one.library.reindexBatch(), other.memos.edit('minji', id, { text: 'Thé' })]),
      );
      expect(await setting.titles('the')).toHaveLength(1);
      expect(await setting.titles('원래')).toEqual([]);
    }));

  test('a change of a document that is purged meanwhile writes nothing of it', () =>
    inEveryOrder(async (setting, run) => {
      const { one, other, storage, stores } = setting;
      const file = { name: 'a.txt', text: '첨부한 글' };
      const keep = keepAttachment(one.library);
      await run(keep('minji', file));
      const [listed] = await storage.list({ owner: 'minji', limit: 1 });
      await setting.remove('minji', listed!.id);
      const purge = other.library.commit(null, async (changes) => {
        await changes.find(listed!.id);
        return storage.purgeDeleted(Number.MAX_VALUE);
      });
      await run(Promise.all([keep('minji', file), purge]));
      const left = await storage.list({ owner: 'minji', limit: 10 });
      expect(left).toHaveLength(1);
      expect(await setting.titles('첨부한')).toHaveLength(1);
      expect(await stores.run('select count(*) as n from document')).toEqual([{ n: 1 }]);
    }));

  test('changes of one document by one process are decided in order of arrival', async () => {
    const { library, add, storage } = createLibrarySetting((await openStores()).documents);
    const { id } = await add('글', '0');
    const append = (n: number) =>
      library.commit(id, async (changes) => {
        const current = (await changes.find(id))!;
        await changes.replace(current, { ...current, title: `${current.title} ${n}` });
      });
    await Promise.all(Array.from({ length: 20 }, (_, n) => append(n + 1)));
    expect((await storage.find(id))!.title).toBe(Array.from({ length: 21 }, (_, n) => n).join(' '));
  });

  test('no stored text of a document has U+0000', async () => {
    const { library, storage } = createLibrarySetting((await openStores()).documents);
    const { id } = await library.create('minji', { title: '제목', text: '글\0자', origin: 'memo' });
    expect(await storage.find(id)).toMatchObject({ title: '제목', extractedText: '글자' });
    await library.commit(id, async (changes) => {
      const current = (await changes.find(id))!;
      await changes.replace(current, { ...current, mdContent: '# 초\0안' });
      const at = { documentId: id, at: 1, textSha256: 'x' };
      const mdContent = '# 초\0안';
      changes.addVersion({ ...at, version: 1, madeBy: 'edit', status: 'replaced', mdContent });
      changes.saveSection({ documentId: id, section: 0, requestSha256: 'x', mdContent });
    });
    expect((await storage.find(id))!.mdContent).toBe('# 초안');
    expect((await storage.drafts.version(id, 1))!.mdContent).toBe('# 초안');
    expect((await storage.drafts.sections(id))[0]!.mdContent).toBe('# 초안');
  });
});
