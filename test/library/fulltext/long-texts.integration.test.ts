/** Long texts are cut into words a little at a time: whoever else asks something gets in between. */
import { expect, onTestFinished, test } from 'vitest';
import { says } from '#test/support/fake-llm-replies';
import { watchTokenizerSlices, type TokenizedSlice } from '#test/support/tokenizer-slices';
import { openDrafts } from '../drafts/drafts-fixture.ts';
import { openLibrary } from '../library-fixture.ts';

const line = '보일러 점검 기록은 다음과 같습니다.\n';
const long = line.repeat(3_000).trimEnd();

/** All of the text went through, in small pieces, each in a turn of its own. */
function expectSmallPieces(cut: TokenizedSlice[], text: string): void {
  const chars = cut.map((piece) => piece.chars);
  expect(Math.max(...chars)).toBeLessThan(30_000);
  expect(chars.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(text.length);
  const large = cut.filter((piece) => piece.chars > 10_000);
  expect(new Set(large.map(({ loopIteration: turn }) => turn)).size).toBe(large.length);
}

test('a document, a memo, its new text and an edited draft are cut in slices', async () => {
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

test('what is stored has its own words, whatever was cut ahead of it', async () => {
  const { library, titles, add, close } = await openLibrary();
  onTestFinished(close);
  const { id } = add('처음', '메모');
  const later = `${long}나중에 고친 것`;
  await library.tokenizeBefore([long], () =>
    library.change('minji', id, (current) => ({ ...current, extractedText: later })),
  );
  expect(titles('나중에 고친')).toEqual(['메모']);
  expect(titles('보일러 점검')).toEqual(['메모']);
});

test('a write that fails leaves nothing cut behind, and says so', async () => {
  const { library, titles, add, close } = await openLibrary();
  onTestFinished(close);
  const { id } = add('처음', '메모');
  const failing = library.tokenizeBefore([long], () =>
    library.transaction(() => {
      library.change('minji', id, (current) => ({ ...current, extractedText: long }));
      throw new Error('halfway');
    }),
  );
  await expect(failing).rejects.toThrow('halfway');
  expect(titles('처음')).toEqual(['메모']);
  expect(titles('보일러')).toEqual([]);
});
