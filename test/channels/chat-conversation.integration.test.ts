/** What a user sees in the chat: answers, one notice, drafts with buttons, apologies. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { direct, routed } from '#test/support/core';
import { dentistMessage, wantsDentist } from '#test/support/dentist';
import { after, fails, says, stalls } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { natsCommand, waitMs, openBridgeWithCore, type BridgeWithCore } from './bridge-fixture.ts';

const draftChanged = '초안이 그 사이에 바뀌었습니다. 새 초안의 버튼을 눌러주세요.';

const polled = { timeout: waitMs, interval: 20 };

/** Asks for a draft and returns its post and its buttons. */
async function shownDraft({ fixture, type, waitForTexts: heard, dsm }: BridgeWithCore, userId = 4) {
  fixture.small.script(wantsDentist);
  await type(userId, dentistMessage);
  const [text = ''] = await heard(userId, 1);
  expect(text).toContain('치과');
  const post = dsm.posts().find((one) => one.text === text)!;
  const [attachment] = post.attachments;
  return { post, buttons: attachment!.actions };
}

const jobsOf = async ({ fixture }: BridgeWithCore, userId: string) =>
  (await fixture.client.jobs({ user_id: userId })).jobs;

describe.skipIf(natsCommand === null)('a user of the chat', () => {
  test('receives the answer once, and the job reports the delivery as sent', async () => {
    const here = await openBridgeWithCore();
    const { fixture, type, waitForTexts: heard, textsShownTo: said } = here;
    fixture.small.script(direct('네, 안녕하세요'));
    await type(4, '안녕');
    expect(await heard(4, 1)).toEqual(['네, 안녕하세요']);
    const [job] = await jobsOf(here, '4');
    await expect
      .poll(async () => (await fixture.client.job(job!.job_id)).deliveries, polled)
      .toMatchObject([{ status: 'sent', parts: 1, error: null }]);
    expect(said(4)).toHaveLength(1);
  });

  test('receives one notice before a slow answer and none before a fast answer', async () => {
    const {
      fixture,
      type,
      waitForTexts: heard,
      textsShownTo: said,
    } = await openBridgeWithCore({ synology: { noticeDelayMs: 20 } });
    const { promise, resolve } = Promise.withResolvers<void>();
    onTestFinished(() => resolve());
    fixture.small.script(routed, direct('짧은 답'));
    fixture.large.script(after(promise, says('긴 답')));
    await type(4, '왜 하늘은 파래?');
    expect(await heard(4, 1)).toEqual(['📝 더 깊이 살펴볼게요...']);
    resolve();
    expect(await heard(4, 2)).toEqual(['📝 더 깊이 살펴볼게요...', '긴 답']);
    await type(4, '안녕');
    expect((await heard(4, 3)).slice(2)).toEqual(['짧은 답']);
    expect(said(4)).toHaveLength(3);
  });

  test('does not receive a notice that the answer has overtaken', async () => {
    const here = await openBridgeWithCore({ synology: { noticeDelayMs: 5_000 } });
    const { fixture, type, waitForTexts: heard, storage } = here;
    fixture.small.script(routed);
    fixture.large.script(says('바로 온 답'));
    await type(4, '왜 하늘은 파래?');
    expect(await heard(4, 1)).toEqual(['바로 온 답']);
    const [job] = await jobsOf(here, '4');
    await expect
      .poll(async () => (await fixture.client.job(job!.job_id)).deliveries, polled)
      .toMatchObject([
        { status: 'sent', parts: 0 },
        { status: 'sent', parts: 1 },
      ]);
    expect(storage.counts().outbox).toBe(0);
  });

  test('confirms a draft by its button; a second click has no effect', async () => {
    const here = await openBridgeWithCore();
    const { dsm, waitForTexts: heard, textsShownTo: said } = here;
    const { post, buttons } = await shownDraft(here);
    expect(buttons.map(({ text, style }) => [text, style])).toEqual([
      ['확인', 'green'],
      ['취소', 'red'],
    ]);
    const press = { userId: 4, postId: post.postId, value: buttons[0]!.value };
    const clicks = await Promise.all([dsm.press(press).settled, dsm.press(press).settled]);
    expect(clicks.flat().map(({ status }) => status)).toEqual([200, 200]);
    const told = await heard(4, 2);
    const [job] = await jobsOf(here, '4');
    expect(job).toMatchObject({ outcome: 'answered', reply: told[1] });
    await expect.poll(() => here.storage.counts(), polled).toMatchObject({ inbox: 0, outbox: 0 });
    expect(said(4)).toHaveLength(2);
  });

  test('takes a reminder back by the button under its answer; a second click has no effect', async () => {
    const here = await openBridgeWithCore();
    const { dsm, fixture, type, waitForTexts: heard, textsShownTo: said } = here;
    await type(4, '3시간 뒤에 빨래 꺼내라고 알려줘');
    const [text = ''] = await heard(4, 1);
    const post = dsm.posts().find((one) => one.text === text)!;
    const [button] = post.attachments[0]!.actions;
    expect(button).toMatchObject({ text: '되돌리기', style: 'grey' });
    const press = { userId: 4, postId: post.postId, value: button!.value };
    await dsm.press(press).settled;
    expect((await heard(4, 2))[1]).toContain('빨래 꺼내기');
    await dsm.press(press).settled;
    await expect.poll(() => here.storage.counts(), polled).toMatchObject({ inbox: 0, outbox: 0 });
    expect(said(4)).toHaveLength(2);
    const all = await fixture.core.schedules.schedules.list({ userId: '4' }, '', 10);
    expect(all.map(({ state }) => state)).toEqual(['cancelled']);
  });

  test('receives an explanation for a button of another user and for a button of an ended job', async () => {
    const here = await openBridgeWithCore();
    const { dsm, waitForTexts: heard, textsShownTo: said } = here;
    const { post, buttons } = await shownDraft(here);
    const [confirm, reject] = buttons.map(({ value }) => value) as [string, string];
    // In a channel other users see the post; here the test posts the click of user 5.
    const foreign = await fetch(here.url, {
      method: 'POST',
      body: new URLSearchParams({
        payload: JSON.stringify({
          actions: [{ type: 'button', name: 'confirm', value: confirm }],
          callback_id: post.attachments[0]!.callbackId,
          post_id: post.postId,
          token: 'T'.repeat(64),
          user: { user_id: 5, username: 'x' },
        }),
      }),
    });
    expect(foreign.status).toBe(200);
    expect(await heard(5, 1)).toEqual(['이 버튼은 요청하신 분만 누를 수 있습니다.']);
    expect((await jobsOf(here, '4'))[0]).toMatchObject({ state: 'confirm-draft' });
    await dsm.press({ userId: 4, postId: post.postId, value: reject }).settled;
    await heard(4, 2);
    await dsm.press({ userId: 4, postId: post.postId, value: confirm }).settled;
    expect((await heard(4, 3))[2]).toBe('이미 처리되었거나 시간이 지난 요청입니다.');
    expect((await jobsOf(here, '4'))[0]).toMatchObject({ outcome: 'declined' });
    expect(said(5)).toHaveLength(1);
  });

  test('cannot confirm a changed draft by a button of the first draft', async () => {
    const here = await openBridgeWithCore();
    const { dsm, waitForTexts: heard, type } = here;
    const { post, buttons } = await shownDraft(here);
    await type(4, '4시로 바꿔줘');
    const changed = (await heard(4, 2))[1]!;
    const second = dsm.posts().find((one) => one.text === changed)!;
    const [old, now] = [buttons[0]!.value, second.attachments[0]!.actions[0]!.value];
    await dsm.press({ userId: 4, postId: post.postId, value: old }).settled;
    expect((await heard(4, 3))[2]).toBe(draftChanged);
    expect(await jobsOf(here, '4')).toMatchObject([{ state: 'confirm-draft' }]);
    await dsm.press({ userId: 4, postId: second.postId, value: now }).settled;
    const [, , , done] = await heard(4, 4);
    expect(await jobsOf(here, '4')).toMatchObject([{ outcome: 'answered', reply: done }]);
  });

  test('cannot confirm a changed draft before it is posted, by a button of the first draft', async () => {
    const here = await openBridgeWithCore();
    const { dsm, waitForTexts: heard, type, storage } = here;
    const { post, buttons } = await shownDraft(here);
    // The bridge has not received the second draft yet.
    const { draftOf } = storage;
    const [job] = await jobsOf(here, '4');
    const first = draftOf(job!.job_id);
    storage.draftOf = () => first;
    await type(4, '4시로 바꿔줘');
    await heard(4, 2);
    await dsm.press({ userId: 4, postId: post.postId, value: buttons[0]!.value }).settled;
    expect((await heard(4, 3))[2]).toBe(draftChanged);
    expect(await jobsOf(here, '4')).toMatchObject([{ state: 'confirm-draft' }]);
  });

  test('can also confirm a draft with a text message', async () => {
    const here = await openBridgeWithCore();
    await shownDraft(here);
    await here.type(4, '확인');
    const told = await here.waitForTexts(4, 2);
    const jobs = await jobsOf(here, '4');
    expect(jobs).toMatchObject([{ outcome: 'answered', reply: told[1] }]);
    await expect.poll(() => here.storage.counts().inbox, polled).toBe(0);
  });

  test('cancels the running job with a message and receives the confirmation', async () => {
    const here = await openBridgeWithCore();
    const { fixture, type, waitForTexts: heard } = here;
    fixture.small.script(stalls());
    await type(4, '안녕');
    await until(() => fixture.small.open > 0);
    await type(4, '그만해');
    expect(await heard(4, 1)).toEqual(['요청을 취소했습니다.']);
    expect(await jobsOf(here, '4')).toMatchObject([{ state: 'cancelled' }]);
    await expect.poll(() => here.storage.counts().inbox, polled).toBe(0);
  });

  test('receives an apology if no model answers', async () => {
    const { fixture, type, waitForTexts: heard } = await openBridgeWithCore();
    fixture.small.script(fails(500), fails(500), fails(500), fails(500));
    await type(4, '안녕');
    expect(await heard(4, 1)).toEqual(['응답을 받지 못했습니다. 다시 시도해주세요.']);
  });

  test('receives a notice that only the beginning of a long message is used', async () => {
    const {
      fixture,
      type,
      waitForTexts: heard,
    } = await openBridgeWithCore({ core: { jobs: { reasonPromptMaxChars: 50 } } });
    const { promise, resolve } = Promise.withResolvers<void>();
    onTestFinished(() => resolve());
    fixture.small.script(routed);
    fixture.large.script(after(promise, says('답')));
    await type(4, `왜 ${'아주 '.repeat(30)}파래?`);
    expect((await heard(4, 1))[0]).toContain('앞 50자');
  });

  test('receives the reason for a refused message once', async () => {
    const here = await openBridgeWithCore({ core: { jobs: { messageMaxChars: 20 } } });
    await here.type(4, '가'.repeat(30));
    const [text] = await here.waitForTexts(4, 1);
    expect(text).toContain('GH_REQUEST_TOO_LONG');
    const counts = () => here.storage.counts();
    await expect.poll(counts, polled).toMatchObject({ inbox: 0, outbox: 0, unreported: 0 });
    await until(async () => here.fixture.core.messaging.status().counts.deadLetters === 1);
    expect(here.textsShownTo(4)).toHaveLength(1);
  });
});
