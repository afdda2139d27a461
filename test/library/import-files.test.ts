import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import iconv from 'iconv-lite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { importFiles } from '#library/import-files';
import type { ImportProgress } from '#shared/wire/import-report';
import { watchTokenizerSlices } from '#test/support/tokenizer-slices';
import { openLibrary } from './library-fixture.ts';

let setting: Awaited<ReturnType<typeof openLibrary>>;
let folder: string;
beforeEach(async () => {
  setting = await openLibrary();
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-import-'));
});
afterEach(async () => {
  await setting.close();
  rmSync(folder, { recursive: true });
});

const nobody = 65_534;

const put = (name: string, content: string | Buffer): string => {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
};
const bringIn = (paths: string[] = [folder], options = {}) =>
  importFiles(paths, { library: setting.library, userId: 'minji', ...options });

describe('importing files', () => {
  test('adds all text files of a folder, at any depth, and no other or hidden files', async () => {
    put('메모.txt', '회의 내용');
    put('deep/er/note.md', '# 프로젝트 계획\n\n내용');
    put('picture.jpg', 'no text');
    put('.hidden/secret.txt', '숨긴 것');
    put('.config.md', '설정');
    expect(await bringIn()).toEqual({ added: 2, updated: 0, unchanged: 0, skipped: [] });
    expect(await setting.titles('계획')).toEqual(['프로젝트 계획']);
    expect(await setting.titles('회의')).toEqual(['메모']);
  });

  test('reports progress for each file, up to the last', async () => {
    for (let n = 0; n < 70; n += 1) put(`${n}.txt`, `내용 ${n}`);
    const progress: ImportProgress[] = [];
    await bringIn([folder], { onProgress: (one: ImportProgress) => progress.push(one) });
    expect(progress.map(({ done }) => done)).toEqual(Array.from({ length: 70 }, (_, n) => n + 1));
    expect(progress.at(-1)).toMatchObject({ done: 70, total: 70, outcome: 'added' });
  });

  test('yields to the event loop within a large file, and commits large files in separate transactions', async () => {
    const words = '보일러 점검 기록 ';
    put('a.txt', words.repeat(21_000));
    for (const name of ['b', 'c']) put(`${name}.txt`, words.repeat(11_000));
    const cut = watchTokenizerSlices();
    const batches: string[][] = [];
    const { library } = setting;
    const commit: typeof library.commit = (key, decide) => {
      batches.push([]);
      return library.commit(key, decide);
    };
    await importFiles([folder], {
      library: { ...library, commit },
      userId: 'minji',
      onProgress: ({ path }) => void batches.at(-1)!.push(path.slice(folder.length + 1)),
    });
    expect(batches).toEqual([['a.txt'], ['b.txt'], ['c.txt']]);
    expect(Math.max(...cut.map(({ chars }) => chars))).toBeLessThan(30_000);
    const large = cut.filter(({ chars }) => chars > 10_000);
    expect(large.length).toBeGreaterThan(15);
    expect(new Set(large.map(({ loopIteration: turn }) => turn)).size).toBe(large.length);
  });

  test('again updates changed files, and restores removed documents', async () => {
    const path = put('a.txt', '처음');
    put('b.txt', '그대로');
    await bringIn();
    expect(await bringIn()).toMatchObject({ added: 0, updated: 0, unchanged: 2 });
    writeFileSync(path, '바뀐 것');
    expect(await bringIn()).toMatchObject({ updated: 1, unchanged: 1 });
    expect(await setting.titles('처음')).toEqual([]);
    expect(await setting.titles('바뀐')).toEqual(['a']);
    const { hits } = await setting.library.search('minji', '그대로');
    await setting.remove('minji', hits[0]?.id ?? '');
    expect(await bringIn()).toMatchObject({ updated: 1, unchanged: 1 });
    expect(await setting.titles('그대로')).toEqual(['b']);
  });

  test('removes the draft of the old text when the file has a new text', async () => {
    const path = put('a.txt', '처음 내용');
    await bringIn();
    const { hits } = await setting.library.search('minji', '처음');
    const id = hits[0]?.id ?? '';
    await setting.change('minji', id, (current) => ({
      ...current,
      contentOrigin: 'ai_drafted',
      mdDraftStatus: 'draft',
      mdContent: '# 초안',
    }));
    writeFileSync(path, '둘째 내용');
    await bringIn();
    expect(await setting.library.get('minji', id)).toMatchObject({
      extractedText: '둘째 내용',
      contentOrigin: 'file',
      mdDraftStatus: null,
      mdContent: null,
    });
  });

  test.each([
    ['UTF-8 with a mark', Buffer.from('\ufeff똠방각하 견적')],
    ['UTF-16', iconv.encode('똠방각하 견적', 'utf-16le', { addBOM: true })],
    ['the code page of Korean Windows', iconv.encode('똠방각하 견적', 'cp949')],
  ])('reads text in %s', async (_, bytes) => {
    put('a.txt', bytes);
    await bringIn();
    const { hits } = await setting.library.search('minji', '똠방각하');
    const found = await setting.library.get('minji', hits[0]?.id ?? '');
    expect(found?.extractedText).toBe('똠방각하 견적');
  });

  test('stores a markdown file as its own markdown, with its first heading as the title', async () => {
    put('a.md', '# 제목\n견적');
    await bringIn();
    const { hits } = await setting.library.search('minji', '견적');
    expect(await setting.library.get('minji', hits[0]?.id ?? '')).toMatchObject({
      title: '제목',
      mdContent: '# 제목\n견적',
      mdStatus: 'success',
      mdExtractionEngine: 'file',
      contentOrigin: 'file',
    });
  });

  test('composes a decomposed file name, as macOS gives it', async () => {
    put(`${'견적서'.normalize('NFD')}.txt`, '내용');
    await bringIn();
    expect(await setting.titles('견적서')).toEqual(['견적서']);
  });

  test('skips a file that is not readable text, reports it with the reason, and adds the others', async () => {
    put('good.txt', '좋은 글');
    put('binary.txt', Buffer.from([0, 1, 2, 3]));
    put('bytes.txt', Buffer.from([0xff, 0xff, 0x80, 0x41]));
    put('empty.txt', ' \n');
    put('large.txt', Buffer.alloc(9 * 1024 * 1024, 'a'));
    const missing = join(folder, 'missing.txt');
    const report = await bringIn([folder, missing]);
    expect(report.added).toBe(1);
    const reasons = Object.fromEntries(
      report.skipped.map(({ path, reason }) => [path.slice(folder.length + 1), reason]),
    );
    expect(reasons).toMatchObject({
      'missing.txt': 'does not exist',
      'binary.txt': expect.stringContaining('neither'),
      'bytes.txt': expect.stringContaining('neither'),
      'empty.txt': 'empty',
      'large.txt': expect.stringContaining('larger than'),
    });
  });

  test('reports a file without read permission', async () => {
    chmodSync(put('a.txt', 'x'), 0);
    chmodSync(folder, 0o755);
    // Root can read every file.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid!(nobody);
    try {
      expect((await bringIn()).skipped[0]?.reason).toBe('may not be read');
    } finally {
      if (isRoot) process.seteuid!(0);
    }
  });

  test('keeps the files that were added before it was cancelled', async () => {
    for (let n = 0; n < 100; n += 1) put(`${n}.txt`, `내용 ${n}`);
    const controller = new AbortController();
    const report = await bringIn([folder], {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    expect(report.added).toBeGreaterThan(0);
    expect(report.added).toBeLessThan(100);
    const { hits } = await setting.library.search('minji', '내용', 100);
    expect(hits).toHaveLength(report.added);
  });
});
