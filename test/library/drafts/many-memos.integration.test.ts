/** Many memos: memos that always fail do not hold up the others, and drafting changes no text. */
import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { until } from '#test/support/journal';
import { says, type FakeReply } from '#test/support/fake-llm-replies';
import { openDrafts } from './drafts-fixture.ts';

describe('two memos that always fail among fifty that do not', () => {
  test.each([false, true])(
    'are dead after their last attempt, and all others are drafted (restart in between: %s)',
    async (restarts) => {
      const { promoted, document, overview, fixture, model } = await openDrafts({
        drafts: { batch: 60 },
      });
      const bad: string[] = [];
      const good: string[] = [];
      for (let n = 0; n < 52; n += 1) {
        const isBad = n === 0 || n === 7;
        const text = `${n}번째 메모입니다. 내용이 조금 더 있습니다. ${isBad ? 'FAIL' : ''}`;
        (isBad ? bad : good).push(await promoted(text));
      }
      if (restarts) {
        await until(() => model.requests.length > 20);
        await fixture.restart();
      }
      await until(async () => {
        const { waiting, dead, running } = await overview();
        return waiting.length === 0 && running === null && dead.length === 2;
      });
      for (const id of good) expect(await document(id)).toMatchObject({ md_draft_status: 'draft' });
      const { dead } = await overview();
      expect(dead.map((one) => one.document_id).toSorted()).toEqual(bad.toSorted());
      expect(dead.map(({ attempts }) => attempts)).toEqual([3, 3]);
      const asked = (what: string): number =>
        model.requests.filter(({ body }) => body.messages[1]!.content.includes(what)).length;
      // The call that the stop aborted is repeated; it did not count as an attempt.
      const again = restarts ? 1 : 0;
      expect(asked('FAIL')).toBeLessThanOrEqual(6 + again);
      expect(model.requests.length).toBeLessThanOrEqual(56 + again);
      const { length } = model.requests;
      const { core } = fixture;
      // Several rounds later the model was not called again.
      const looked = core.drafts.drafter;
      for (let rounds = 0; rounds < 3; rounds += 1) {
        looked.wake();
        await until(() => looked.state === 'waiting');
      }
      expect(model.requests).toHaveLength(length);
    },
  );
});

/** Unusual texts of people and editors: line ends, blanks, emoji, decomposed Hangul, markup. */
const oddities = [
  'a\r\nb\r\n',
  '끝에 공백   \n\n  ',
  '\ttab\t\n',
  '👩‍👩‍👧‍👦🇰🇷 가족 모임',
  '한글 자모 분해'.normalize('NFD'),
  'é and e\u0301',
  '\u200b보이지 않는 글자\u00ad',
  '```\ncode\n```',
  '<think>생각</think>',
  '"quotes" \'and\' \\ % _ *',
  '줄\u2028나눔',
  '𝕌𝕟𝕚𝕔𝕠𝕕𝕖 수학',
  'FLAKY',
];
const syllables = Array.from('가나다라마바사아자차');
const ownWord = (n: number): string =>
  n % 2 === 0 ? `낱말${syllables[Math.floor(n / 10)]}${syllables[n % 10]}` : `wordnr${n}x`;
const memos = Array.from({ length: 100 }, (_, n) => {
  const odd = oddities[n % oddities.length]!;
  return n % 2 === 0
    ? `회의 메모 ${ownWord(n)}\n- 예산은 ${n}만원\n- 담당은 김철수\n${odd}`
    : `meeting note ${ownWord(n)}\n- budget is ${n}\n- owner is Kim\n${odd}`;
});

test('a hundred memos, Korean and English, keep their text byte for byte and are found by their own words', async () => {
  const { memo, promote, call, document, overview, fixture, model } = await openDrafts({
    drafts: { batch: 100 },
  });
  // A draft that shares no word with its memo: a hit comes from the text of the memo.
  const stranger: FakeReply = says('# Quite another\n\n전혀 다른 것');
  const ids: string[] = [];
  for (const [n, text] of memos.entries()) {
    ids.push(await memo(text));
    if (n % 10 === 3) model.script(stranger);
  }
  const raw = new Sqlite(fixture.config.database, { readonly: true });
  const stored = raw.prepare(
    'select id, extracted_text as text, cast(extracted_text as blob) as bytes from document order by id',
  );
  const before = stored.all();
  expect(before.map((row) => (row as { text: string }).text)).toEqual(memos);
  const broken = raw.prepare(
    `select count(*) as n from document where md_draft_status is not null and content_origin is not 'ai_drafted'`,
  );
  const found = async (n: number): Promise<boolean> => {
    const query = new URLSearchParams({ q: ownWord(n), limit: '5' });
    const { body } = await call('GET', `/documents/search?${query.toString()}`);
    return (body['results'] as { id: string }[])[0]?.id === ids[n];
  };
  for (const id of ids) await promote(id);
  let looks = 0;
  await until(async () => {
    expect(broken.get()).toEqual({ n: 0 });
    expect(await found(looks % 100)).toBe(true);
    looks += 1;
    const { waiting, running, dead } = await overview();
    expect(dead).toEqual([]);
    return waiting.length === 0 && running === null;
  });
  for (const [n, id] of ids.entries()) {
    expect(await found(n), ownWord(n)).toBe(true);
    expect(await document(id)).toMatchObject({
      extracted_text: memos[n],
      md_draft_status: 'draft',
    });
  }
  expect(stored.all()).toEqual(before);
  raw.close();
  // A constraint of the database refuses a draft status without the origin `ai_drafted`.
  const writer = new Sqlite(fixture.config.database);
  const breakIt = () =>
    writer.exec(`update document set content_origin = 'memo' where id = '${ids[0]}'`);
  expect(breakIt).toThrow(/document_draft_origin/);
  writer.close();
});
