/** Drafts that are no longer needed: the decisions of the user stay, and content made of an older text is removed. */
import Sqlite from 'better-sqlite3';
import { expect, describe, test } from 'vitest';
import { says, stalls } from '#test/support/fake-llm-replies';
import { openDrafts, types, type DraftsFixture } from './drafts-fixture.ts';

const text = '주간 회의에서 정한 것: 예산 50만원, 담당 김철수.';

async function accepted(): Promise<DraftsFixture & { id: string }> {
  const setting = await openDrafts();
  setting.model.script(says('# 첫 초안'));
  const id = await setting.promoted(text);
  await setting.waitForEvent(id, 'drafted');
  await setting.call('POST', `/documents/${id}/draft/accept`, {});
  return { ...setting, id };
}

describe('a memo that is changed back to the text of its accepted version', () => {
  test('is not drafted again, and a later edit by the user is not overwritten', async () => {
    const { call, id, events, document, overview, model } = await accepted();
    await call('POST', '/drafts/pause');
    await call('PATCH', `/memos/${id}`, { text: `${text} 오타` });
    expect((await overview()).waiting).toHaveLength(1);
    await call('PATCH', `/memos/${id}`, { text });
    expect((await events(id)).at(-1)).toMatchObject({
      type: 'skipped',
      state: 'accepted',
      data: { reason: 'withdrawn' },
    });
    expect((await overview()).waiting).toEqual([]);
    const edit = { md_content: '# 사람이 고친 글', base_version: 1 };
    expect((await call('POST', `/documents/${id}/draft/edit`, edit)).status).toBe(200);
    await call('POST', '/drafts/resume');
    await call('POST', `/memos/${id}/promote-to-document`, {});
    expect(await document(id)).toMatchObject({
      md_content: '# 사람이 고친 글',
      md_draft_status: 'accepted',
      source_metadata: { needs_draft: false },
    });
    expect(model.requests).toHaveLength(1);
  });

  test('aborts the running draft', async () => {
    const { call, id, events, waitForEvent: told, document, model } = await accepted();
    model.script(stalls());
    await call('PATCH', `/memos/${id}`, { text: `${text} 오타` });
    const second = await model.arrived(2);
    await call('PATCH', `/memos/${id}`, { text });
    expect((await second.closed).closedBy).toBe('client');
    await told(id, 'skipped');
    expect(types(await events(id)).slice(4)).toEqual(['queued', 'drafting', 'skipped']);
    expect((await events(id)).at(-1)).toMatchObject({
      state: 'accepted',
      data: { reason: 'withdrawn' },
    });
    expect(await document(id)).toMatchObject({ md_content: '# 첫 초안' });
  });
});

test.each(['accept', 'edit'])(
  'an %s of a draft withdraws a queued second draft of the same text',
  async (verb) => {
    const setting = await openDrafts();
    const { call, promoted, waitForEvent: told, document, events, overview, fixture } = setting;
    const id = await promoted(text);
    await told(id, 'drafted');
    await call('POST', '/drafts/pause');
    // The state that an older version of Gatehouse may have left.
    const writer = new Sqlite(fixture.config.database);
    writer.exec(`update document
    set source_metadata = json_set(source_metadata, '$.needs_draft', json('true'))`);
    writer.close();
    expect((await overview()).waiting).toHaveLength(1);
    const body = verb === 'edit' ? { md_content: '# 고침' } : {};
    expect((await call('POST', `/documents/${id}/draft/${verb}`, body)).status).toBe(200);
    expect((await overview()).waiting).toEqual([]);
    expect(types(await events(id)).slice(-2)).toEqual(['skipped', `${verb}ed`]);
    expect(await document(id)).toMatchObject({ source_metadata: { needs_draft: false } });
  },
);

describe('a memo that becomes too short for a draft', () => {
  const found = async ({ call }: DraftsFixture, word: string): Promise<unknown[]> =>
    (await call('GET', `/documents/search?q=${encodeURIComponent(word)}`)).body[
      'results'
    ] as unknown[];

  test('loses the markdown of its old text, and the versions stay', async () => {
    const setting = await accepted();
    const { call, id, waitForEvent: told, document, events } = setting;
    await call('PATCH', `/memos/${id}`, { text: '취소됨' });
    await told(id, 'skipped');
    expect((await events(id)).at(-1)).toMatchObject({
      state: 'none',
      data: { reason: 'too_short' },
    });
    expect(await document(id)).toMatchObject({
      extracted_text: '취소됨',
      md_content: null,
      md_draft_status: null,
      content_origin: 'memo',
      source_metadata: { source: 'memo', needs_draft: false },
    });
    expect(await found(setting, '초안')).toEqual([]);
    const { body } = await call('GET', `/documents/${id}/versions`);
    expect(body['versions']).toMatchObject([{ version: 1, status: 'replaced' }]);
    expect((await call('POST', `/documents/${id}/draft/accept`, {})).status).toBe(409);
    await call('PATCH', `/memos/${id}`, { text: `${text} 다시 한다.` });
    await call('POST', `/memos/${id}/promote-to-document`, {});
    await told(id, 'drafted');
    expect(await document(id)).toMatchObject({ md_draft_status: 'draft' });
  });
});
