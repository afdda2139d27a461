/** Long texts are tokenized in slices, so that other requests run in between. */
import { expect, onTestFinished, test } from 'vitest';
import { says } from '#test/support/fake-llm-replies';
import { watchTokenizerSlices, type TokenizedSlice } from '#test/support/tokenizer-slices';
import { openDrafts } from '../drafts/drafts-fixture.ts';
import { openLibrary } from '../library-fixture.ts';

const line = '보일러 점검 기록은 다음과 같습니다.\n';
const long = line.repeat(3_000).trimEnd();

/** Expects that the whole text was tokenized in small slices, each in its own turn of the event loop. */
function expectSmallPieces(cut: TokenizedSlice[], text: string): void {
  const chars = cut.map((piece) => piece.chars);
  expect(Math.max(...chars)).toBeLessThan(30_000);
  expect(chars.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(text.length);
  const large = cut.filter((piece) => piece.chars > 10_000);
  expect(new Set(large.map(({ loopIteration: turn }) => turn)).size).toBe(large.length);
}

test('a long document, a long memo, its new text and an edited draft are tokenized in slices', async () => {
  const { call, memo, promote, waitForEvent: told, model } = await openDrafts();
  const cut = watchTokenizerSlices();
  const asked = async (method: string, path: string, body: object): Promise<void> => {
    cut.length = 0;
    expect((await call(method, path, body)).status).toBeLessThan(300);
    expectSmallPieces(cut, long);
  };
  await asked('POST', '/documents', { text: long });
  await asked('POST', '/memos', { text: long });
  const id = await memo('보일러를 점검하기로 했다. 부품은 미리 주문해 둔다.');
  await asked('PATCH', `/memos/${id}`, { text: long });
  await asked('PATCH', `/memos/${id}`, { title: '보일러' });
  const other = await memo('보일러를 점검하기로 했다. 부품은 미리 주문해 둔다.');
  model.script(says('# 초안'));
  await promote(other);
  await told(other, 'drafted');
  await asked('POST', `/documents/${other}/draft/edit`, { md_content: long });
});

test('a stored text is indexed with its own words, even if another text was tokenized before', async () => {
  const { titles, add, change, close } = await openLibrary();
  onTestFinished(close);
  const { id } = await add('처음', '메모');
  const later = `${long}나중에 고친 것`;
  const both = [long, later].map((extractedText) =>
    change('minji', id, (current) => ({ ...current, extractedText })),
  );
  await Promise.all(both);
  expect(await titles('나중에 고친')).toEqual(['메모']);
  expect(await titles('보일러 점검')).toEqual(['메모']);
});

test('a write that fails rejects with its error and leaves no tokenized words in the index', async () => {
  const { library, titles, add, close } = await openLibrary();
  onTestFinished(close);
  const { id } = await add('처음', '메모');
  const failing = library.commit(id, async (changes) => {
    const current = await changes.find(id);
    await changes.replace(current!, { ...current!, extractedText: long });
    throw new Error('halfway');
  });
  await expect(failing).rejects.toThrow('halfway');
  expect(await titles('처음')).toEqual(['메모']);
  expect(await titles('보일러')).toEqual([]);
});
