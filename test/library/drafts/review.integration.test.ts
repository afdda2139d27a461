/** Memos and drafts over HTTP: list, edit, accept, reject; each user only sees and changes their own. */
import { describe, expect, test } from 'vitest';
import { until } from '#test/support/journal';
import { says } from '#test/support/fake-llm-replies';
import { openDrafts, types, type DraftsFixture } from './drafts-fixture.ts';

const text = '주간 회의에서 정한 것: 예산 50만원, 담당 김철수.';

async function withDraft(userId = 'local'): Promise<DraftsFixture & { id: string }> {
  const setting = await openDrafts();
  setting.model.script(says('# 첫 초안'));
  const id = await setting.promoted(text, userId);
  await setting.waitForEvent(id, 'drafted');
  return { ...setting, id };
}

const versionsOf = async ({ call, id }: Pick<DraftsFixture, 'call'> & { id: string }) =>
  (await call('GET', `/documents/${id}/versions`)).body['versions'];

describe('a draft', () => {
  test('can be accepted once; a second accept or a reject is a 409', async () => {
    const { call, id, events } = await withDraft();
    const accepted = await call('POST', `/documents/${id}/draft/accept`, { base_version: 1 });
    expect(accepted).toMatchObject({
      status: 200,
      body: { md_draft_status: 'accepted', content_origin: 'ai_drafted', md_version: 1 },
    });
    for (const verb of ['accept', 'reject']) {
      expect(await call('POST', `/documents/${id}/draft/${verb}`, {})).toMatchObject({
        status: 409,
        body: { code: 'GH_DRAFT_NONE' },
      });
    }
    expect(types(await events(id)).at(-1)).toBe('accepted');
  });

  test('stays a draft after an edit, and both versions are kept', async () => {
    const { call, id, document, events } = await withDraft();
    const edited = await call('POST', `/documents/${id}/draft/edit`, {
      md_content: '# 고친 초안',
      base_version: 1,
    });
    expect(edited).toMatchObject({
      status: 200,
      body: { md_version: 2, md_draft_status: 'draft' },
    });
    expect(await document(id)).toMatchObject({ md_content: '# 고친 초안', extracted_text: text });
    expect(await versionsOf({ call, id })).toMatchObject([
      { version: 2, made_by: 'edit', status: 'draft', md_content: '# 고친 초안' },
      { version: 1, made_by: 'draft', status: 'replaced', md_content: '# 첫 초안' },
    ]);
    const stale = await call('POST', `/documents/${id}/draft/accept`, { base_version: 1 });
    expect(stale).toMatchObject({ status: 409, body: { code: 'GH_DRAFT_CHANGED' } });
    await call('POST', `/documents/${id}/draft/accept`, { base_version: 2 });
    const again = await call('POST', `/documents/${id}/draft/edit`, { md_content: '# 또 고침' });
    expect(again.body).toMatchObject({ md_draft_status: 'accepted', md_version: 3 });
    expect((await events(id)).at(-1)).toMatchObject({ type: 'edited', state: 'accepted' });
  });

  test('that is rejected leaves the document but stays in its versions; promoting again drafts anew', async () => {
    const { call, id, document, events, promote, waitForEvent: told } = await withDraft();
    expect((await call('POST', `/documents/${id}/draft/reject`, {})).status).toBe(200);
    const row = await document(id);
    expect(row).toMatchObject({
      md_content: null,
      content_origin: 'memo',
      md_draft_status: null,
      md_generated_at: null,
      extracted_text: text,
    });
    expect(row['source_metadata']).toEqual({ source: 'memo', needs_draft: false });
    expect(await versionsOf({ call, id })).toMatchObject([{ version: 1, status: 'rejected' }]);
    await promote(id);
    await told(id, 'drafted');
    expect(types(await events(id)).slice(3)).toEqual(['rejected', 'queued', 'drafting', 'drafted']);
  });

  test('of an edited memo that is rejected is replaced by the version that was accepted before', async () => {
    const { call, id, document, waitForEvent: told } = await withDraft();
    await call('POST', `/documents/${id}/draft/accept`, {});
    await call('PATCH', `/memos/${id}`, { text: `${text} 그리고 더 있다.` });
    await told(id, 'drafted');
    expect(await document(id)).toMatchObject({ md_draft_status: 'draft' });
    await call('POST', `/documents/${id}/draft/reject`, {});
    expect(await document(id)).toMatchObject({
      md_content: '# 첫 초안',
      md_draft_status: 'accepted',
    });
  });

  describe('of an edited memo that was rejected after an earlier one was accepted', () => {
    const rejected = async (): Promise<DraftsFixture & { id: string }> => {
      const setting = await withDraft();
      const { call, id, waitForEvent: told } = setting;
      await call('POST', `/documents/${id}/draft/accept`, {});
      await call('PATCH', `/memos/${id}`, { text: `${text} 그리고 더 있다.` });
      await told(id, 'drafted');
      const { body } = await call('POST', `/documents/${id}/draft/reject`, { base_version: 2 });
      expect(body).toMatchObject({ md_version: 1, md_draft_status: 'accepted' });
      return setting;
    };

    test('is drafted anew when it is promoted', async () => {
      const { call, id, document, promote, waitForEvent: told, model } = await rejected();
      model.script(says('# 둘째 초안'));
      await promote(id);
      await told(id, 'drafted');
      expect(model.requests).toHaveLength(3);
      expect(await document(id)).toMatchObject({ md_content: '# 둘째 초안' });
      expect(await versionsOf({ call, id })).toMatchObject([
        { version: 3, status: 'draft' },
        { version: 2, status: 'rejected' },
        { version: 1, status: 'accepted' },
      ]);
    });

    test('stays rejected when the accepted version is edited, and promoting then drafts the new text', async () => {
      const { call, id, promote, waitForEvent: told, events } = await rejected();
      const edit = `/documents/${id}/draft/edit`;
      // A client whose base is the rejected version has not seen the version that the edit would replace.
      expect(await call('POST', edit, { md_content: '# 고침', base_version: 2 })).toMatchObject({
        status: 409,
        body: { code: 'GH_DRAFT_CHANGED' },
      });
      const edited = await call('POST', edit, { md_content: '# 고침', base_version: 1 });
      expect(edited.body).toMatchObject({ md_version: 3, md_draft_status: 'accepted' });
      expect(await versionsOf({ call, id })).toMatchObject([
        { version: 3, made_by: 'edit', status: 'accepted', md_content: '# 고침' },
        { version: 2, made_by: 'draft', status: 'rejected' },
        { version: 1, made_by: 'draft', status: 'replaced' },
      ]);
      expect((await events(id)).at(-1)).toMatchObject({ type: 'edited', state: 'accepted' });
      await call('POST', '/drafts/pause');
      await promote(id);
      // A draft of the new text is queued and would overwrite the edit.
      expect((await call('POST', edit, { md_content: '# 또' })).status).toBe(409);
      await call('POST', '/drafts/resume');
      await told(id, 'drafted');
    });
  });

  test('of a memo that was edited after the drafting cannot be accepted', async () => {
    const { call, id } = await withDraft();
    await call('POST', '/drafts/pause');
    await call('PATCH', `/memos/${id}`, { text: `${text} 고쳤다.` });
    expect(await call('POST', `/documents/${id}/draft/accept`, {})).toMatchObject({
      status: 409,
      body: { code: 'GH_DRAFT_CHANGED' },
    });
  });

  test('that does not exist cannot be edited: a 409; an empty edit is a 400', async () => {
    const { memo, call } = await openDrafts();
    const id = await memo(text);
    const edit = await call('POST', `/documents/${id}/draft/edit`, { md_content: 'x' });
    expect(edit).toMatchObject({ status: 409, body: { code: 'GH_DRAFT_NONE' } });
    const empty = await call('POST', `/documents/${id}/draft/edit`, { md_content: '  ' });
    expect(empty.status).toBe(400);
  });
});

test('the memos and drafts of another user are a 404 in every call', async () => {
  const { call, id, memo } = await withDraft('ann');
  const bob = { user_id: 'bob' };
  const asked: [string, string, unknown?][] = [
    ['PATCH', `/memos/${id}`, { ...bob, text: 'x' }],
    ['POST', `/memos/${id}/promote-to-document`, bob],
    ['GET', `/documents/${id}?user_id=bob`],
    ['GET', `/documents/${id}/versions?user_id=bob`],
    ['GET', `/documents/${id}/stream?user_id=bob`],
    ['POST', `/documents/${id}/draft/accept`, bob],
    ['POST', `/documents/${id}/draft/reject`, bob],
    ['POST', `/documents/${id}/draft/edit`, { ...bob, md_content: 'x' }],
    ['GET', `/drafts/${id}?user_id=bob`],
    ['POST', `/drafts/${id}/retry`, bob],
    ['DELETE', `/documents/${id}?user_id=bob`],
  ];
  for (const [method, path, body] of asked) {
    expect((await call(method, path, body)).status, `${method} ${path}`).toBe(404);
  }
  await memo('bobs memo', bob);
  const titles = async (user: string): Promise<unknown> =>
    ((await call('GET', `/memos?user_id=${user}`)).body['memos'] as { title: string }[]).map(
      ({ title }) => title,
    );
  expect([await titles('ann'), await titles('bob')]).toEqual([[text], ['bobs memo']]);
  expect(await call('GET', `/documents/${id}?user_id=ann`)).toMatchObject({ status: 200 });
});

describe('lists', () => {
  test('return memos newest first, page by page', async () => {
    const { memo, call } = await openDrafts();
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.push(await memo(`메모 ${n}`));
    await call('POST', '/documents', { title: '문서', text: '문서' });
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { body } = await call('GET', `/memos?limit=2${query}`);
      seen.push(...(body['memos'] as { id: string }[]).map(({ id }) => id));
      cursor = body['next_cursor'] as string | null;
    }
    expect(seen).toEqual(ids.toReversed());
  });

  test('of documents can be filtered by origin, by draft status and by `needs_draft`', async () => {
    const { memo, promote, promoted, waitForEvent: told, call } = await openDrafts();
    const drafted = await promoted(text);
    await told(drafted, 'drafted');
    await call('POST', '/drafts/pause');
    const waiting = await memo(text);
    await promote(waiting);
    const { body: other } = await call('POST', '/documents', { title: '문서', text: '문서' });
    const ids = async (query: string): Promise<string[]> =>
      ((await call('GET', `/documents?${query}`)).body['documents'] as { id: string }[]).map(
        ({ id }) => id,
      );
    expect(await ids('')).toEqual([other['id'], waiting, drafted]);
    expect(await ids('origin=ai_drafted')).toEqual([drafted]);
    expect(await ids('draft_status=draft')).toEqual([drafted]);
    expect(await ids('needs_draft=true')).toEqual([waiting]);
    expect(await ids('needs_draft=false')).toEqual([other['id'], drafted]);
    expect((await call('GET', '/documents?origin=moon')).status).toBe(400);
  });
});

describe('a pause of drafting', () => {
  test('aborts the running draft without counting the attempt, survives a restart, and ends with resume', async () => {
    const {
      promoted,
      call,
      model,
      fixture,
      overview,
      waitForEvent: told,
      events,
    } = await openDrafts({
      drafts: { maxAttempts: 1 },
    });
    model.script(says('느린 답 '.repeat(500), { wordMs: 20 }));
    const id = await promoted(text);
    const first = await model.arrived(1);
    await until(async () => ((await overview()).running?.progress.chars ?? 0) > 0);
    expect(await overview()).toMatchObject({ state: 'drafting', running: { attempt: 1 } });
    expect((await call('POST', '/drafts/pause')).body).toEqual({ paused: true });
    await first.closed;
    await told(id, 'queued');
    expect((await events(id)).at(-1)!.data).toEqual({ reason: 'paused' });
    await fixture.restart();
    expect(await overview()).toMatchObject({
      state: 'paused',
      paused: true,
      running: null,
      waiting: [{ document_id: id, attempts: 0 }],
    });
    await call('POST', `/drafts/${id}/retry`, {});
    expect(model.requests).toHaveLength(1);
    await call('POST', '/drafts/resume');
    await told(id, 'drafted');
    expect((await events(id)).at(-2)!.data).toEqual({ attempt: 1 });
  });
});

test('outside the drafting hours nothing is drafted, and the overview says when they begin', async () => {
  const hour = (offset: number): string => {
    const at = new Date(Date.now() + offset * 3_600_000);
    return `${String(at.getUTCHours()).padStart(2, '0')}:00`;
  };
  const { promoted, overview, model, call } = await openDrafts({
    timezone: 'UTC',
    drafts: { window: `${hour(2)}-${hour(4)}` },
  });
  const id = await promoted(text);
  await until(async () => (await overview()).state === 'closed');
  const { window, waiting } = await overview();
  expect(window.open).toBe(false);
  expect(Date.parse(window.opens_at!)).toBeGreaterThan(Date.now());
  expect(waiting).toMatchObject([{ document_id: id, attempts: 0 }]);
  expect(model.requests).toHaveLength(0);
  expect((await call('GET', `/drafts/${id}`)).body).toMatchObject({ state: 'waiting' });
});
