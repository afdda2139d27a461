import fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { documentView } from '#library/document';
import { useLibraryStores, type LibraryStores } from '#test/support/library-stores';
import { createLibrarySetting } from './library-fixture.ts';

describe.each(useLibraryStores())('the library on $name', ({ missing, open }) => {
  let setting: ReturnType<typeof createLibrarySetting> & { stores: LibraryStores };
  beforeEach(async ({ skip }) => {
    if (missing !== null) return skip(missing);
    const stores = await open();
    setting = { ...createLibrarySetting(stores.documents), stores };
  });

  describe('the search', () => {
    test.each([
      ['견적', ['견적서']],
      ['적서', ['견적서']],
      ['견적서를', ['견적서']],
      ['보건', ['안전']],
      ['산업안전보건법', ['안전']],
      ['압력용기', ['용기', '띄어 쓴 용기']],
      ['압력 용기', ['용기', '띄어 쓴 용기']],
      ['iso 45001', ['안전']],
      ['ISO45001', ['안전']],
      ['invoice', ['Invoices']],
      ['법', ['안전']],
      ['고양이', []],
      ['', []],
      ['" AND 견적', ['견적서']],
    ])('for %j finds %j', async (query, expected) => {
      const { add, titles } = setting;
      await add('배관 공사 견적서를 보냅니다.', '견적서');
      await add('산업안전보건법과 ISO 45001 요구사항', '안전');
      await add('압력용기 검사', '용기');
      await add('압력 용기 정기 점검', '띄어 쓴 용기');
      await add('The invoices of November', 'Invoices');
      expect((await titles(query)).sort()).toEqual([...expected].sort());
    });

    test('reads the texts of the returned hits only', async () => {
      const { add, library, storage } = setting;
      for (let n = 0; n < 60; n += 1) await add(`보일러 점검 ${n} 기록부`, `문서 ${n}`);
      const find = vi.spyOn(storage, 'find');
      expect((await library.search('minji', '보일러 점검', 3)).hits).toHaveLength(3);
      expect(await library.search('minji', '보일러 점겁', 3)).toMatchObject({ isExact: false });
      expect(find).toHaveBeenCalledTimes(6);
      expect((await library.rank('minji', '보일러', 50)).found).toHaveLength(50);
      expect(find).toHaveBeenCalledTimes(6);
    });

    test('ranks a word in the title above a word in the text', async () => {
      const { add, titles } = setting;
      await add('이 글에는 견적 이야기가 한 번 나옵니다', '잡담');
      await add('내용 없음', '견적 정리');
      expect(await titles('견적')).toEqual(['견적 정리', '잡담']);
    });

    test('returns similar documents, with `isExact` false, if no document matches exactly', async () => {
      const { add, library } = setting;
      await add('양자 컴퓨터 입문서', '입문');
      await add('컴퓨터 수리', '수리');
      expect(await library.search('minji', '양자컴퓨팅')).toMatchObject({
        isExact: false,
        hits: [{ title: '입문' }],
      });
      expect(await library.search('minji', '고양이 사료 주문')).toEqual({
        hits: [],
        isExact: true,
      });
    });

    test('returns snippets that show the match, and scores in falling order', async () => {
      const { add, library } = setting;
      await add(`${'가나다 '.repeat(100)} 비밀번호 변경 절차`, '첫째');
      await add('비밀번호 비밀번호 비밀번호', '둘째');
      const { hits } = await library.search('minji', '비밀번호');
      expect(hits[1]?.snippet).toContain('비밀번호 변경 절차');
      expect(hits[0]?.score).toBeGreaterThan(hits[1]?.score ?? 0);
    });

    test('finds a document by each of its words', async () => {
      const syllable = fc.constantFrom(...'가 나 다 라 마 각 낙 x yz 12 -'.split(' '), ' ', ' ');
      await fc.assert(
        fc.asyncProperty(
          fc.array(syllable, { minLength: 1, maxLength: 30 }),
          fc.nat(),
          async (parts, at) => {
            const text = parts.join('');
            const words = text.split(/[ -]+/).filter((word) => /^[가-힣]+$/.test(word));
            const word = words[at % Math.max(1, words.length)];
            if (word === undefined) return;
            const { id } = await setting.add(text);
            const { hits } = await setting.library.search('minji', word, 100);
            const found = hits.some((hit) => hit.id === id);
            await setting.remove('minji', id);
            expect(found).toBe(true);
          },
        ),
        { numRuns: 60 },
      );
    });
  });

  describe('a document', () => {
    test('is published with the fields of its public row', async () => {
      const document = await setting.library.create('minji', {
        text: '# 회의록\n내용',
        origin: 'text',
      });
      expect(documentView(document)).toEqual({
        id: document.id,
        title: '회의록',
        extracted_text: '# 회의록\n내용',
        md_content: null,
        content_origin: 'text',
        md_draft_status: null,
        md_status: null,
        md_extraction_engine: null,
        md_generated_at: null,
        source_metadata: { source: 'text' },
        created_at: expect.stringMatching(/^2026-11-18T00:00:00\.\d{3}Z$/),
        updated_at: expect.any(String),
      });
    });

    test('is found by its current text and by its markdown, not by its old text', async () => {
      const { add, titles, change } = setting;
      const { id } = await add('예전 단어', '메모');
      await change('minji', id, (current) => ({
        ...current,
        extractedText: '새로운 단어',
        mdContent: '# 마크다운 제목',
        contentOrigin: 'ai_drafted',
        mdDraftStatus: 'draft',
      }));
      expect(await titles('예전')).toEqual([]);
      expect(await titles('새로운')).toEqual(['메모']);
      expect(await titles('마크다운')).toEqual(['메모']);
    });

    test('is tokenized again only when its title, text or markdown changes', async () => {
      const { add, titles, stores, change } = setting;
      const { id } = await add('단어', '메모');
      // The words are deleted, so that the test sees when they are written again.
      await stores.run('delete from document_words');
      await change('minji', id, (current) => ({
        ...current,
        sourceMetadata: { ...current.sourceMetadata, needs_draft: true },
      }));
      expect(await titles('단어')).toEqual([]);
      for (const edit of [{ title: '제목' }, { extractedText: '단어 둘' }, { mdContent: '# 셋' }]) {
        await change('minji', id, (current) => ({ ...current, ...edit }));
        expect(await titles('단어')).toHaveLength(1);
        await stores.run('delete from document_words');
      }
    });

    test('gets a later `updatedAt` with every change, also within one millisecond', async () => {
      const { id, updatedAt } = await setting.add('x');
      const once = await setting.change('minji', id, (current) => ({ ...current, title: 'a' }));
      const twice = await setting.change('minji', id, (current) => ({ ...current, title: 'b' }));
      expect(once?.updatedAt).toBeGreaterThan(updatedAt);
      expect(twice?.updatedAt).toBeGreaterThan(once?.updatedAt ?? 0);
    });

    test('that is removed is neither found nor returned, and stays in the database', async () => {
      const { add, library, storage, titles, remove } = setting;
      const { id } = await add('지울 글', '지울 글');
      expect(await remove('minji', id)).toBe(true);
      expect(await remove('minji', id)).toBe(false);
      expect(await titles('지울')).toEqual([]);
      expect(await library.get('minji', id)).toBeNull();
      expect((await storage.find(id))?.deletedAt).toEqual(expect.any(Number));
    });

    test('is visible to its owner only, or to all users if the library is shared', async () => {
      const { add, library, titles, change, remove } = setting;
      const { id } = await add('비밀 일기', '일기');
      expect(await titles('일기', 'jun')).toEqual([]);
      expect(await library.get('jun', id)).toBeNull();
      expect(await remove('jun', id)).toBe(false);
      expect(await change('jun', id, (current) => ({ ...current, title: 'x' }))).toBeNull();
      const family = createLibrarySetting(setting.storage, { shared: true });
      await family.add('장보기 목록', '장보기', 'minji');
      expect(await family.titles('장보기', 'jun')).toEqual(['장보기']);
    });

    test('cannot have a draft status without the origin `ai_drafted`: the database refuses it', async () => {
      const { id } = await setting.add('메모 내용');
      const draft = () =>
        setting.change('minji', id, (current) => ({ ...current, mdDraftStatus: 'draft' }));
      await expect(draft).rejects.toThrow(
        expect.objectContaining({ code: 'GH_STORE_UNAVAILABLE' }),
      );
      expect((await setting.storage.find(id))?.mdDraftStatus).toBeNull();
    });

    test('and its index words change together: a failed transaction leaves both unchanged', async () => {
      const { add, library, titles } = setting;
      const { id } = await add('처음 내용', '처음');
      const fail = () =>
        library.commit(id, async (changes) => {
          const current = await changes.find(id);
          await changes.replace(current!, { ...current!, extractedText: '나중 내용' });
          throw new Error('halfway');
        });
      await expect(fail).rejects.toThrow('halfway');
      expect(await titles('처음')).toEqual(['처음']);
      expect(await titles('나중')).toEqual([]);
    });

    test('that needs a draft is listed, newest first, without deleted documents', async () => {
      const { add, library, change, remove } = setting;
      const ids: string[] = [];
      for (const text of ['하나', '둘', '셋']) ids.push((await add(text)).id);
      for (const id of ids) {
        await change('minji', id, (current) => ({
          ...current,
          sourceMetadata: { ...current.sourceMetadata, needs_draft: true },
        }));
      }
      await remove('minji', ids[1] ?? '');
      await add('다른 것');
      const listed = async (limit: number, before?: string) =>
        (await library.list('minji', { needsDraft: true, limit, before })).map(({ id }) => id);
      expect(await listed(10)).toEqual([ids[2], ids[0]]);
      expect(await listed(1)).toEqual([ids[2]]);
      expect(await listed(10, ids[2])).toEqual([ids[0]]);
      expect(await library.list('other', { limit: 10 })).toEqual([]);
    });
  });
});
