/** A permanent refusal by the broker, the core or the NAS ends in a text to the user; later messages continue. */
import { describe, expect, test } from 'vitest';
import { createButtonHandler } from '#channels/inbox/button-handler';
import type { InboxRow } from '#channels/bridge-storage-port';
import type { ErrorCode } from '#shared/errors';
import { silentLog } from '#shared/log';
import { textsOf, type Locale } from '#machines/texts';
import { direct } from '#test/support/core';
import {
  openBridgeWithoutCore,
  fakeNas,
  finalReply,
  natsCommand,
  token,
  waitMs,
  openBridgeWithCore,
} from '../bridge-fixture.ts';

describe.skipIf(natsCommand === null)('an inbound message', () => {
  test('beyond the size limit of the broker is refused with a text, and the next message is answered', async () => {
    const { fixture, url, type, waitForTexts: heard } = await openBridgeWithCore();
    const raw = `token=${token}&user_id=4&post_id=900&text=${'"'.repeat(60_000)}`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await fetch(url, { method: 'POST', body: raw, headers })).status).toBe(200);
    fixture.small.script(direct('답'));
    await type(4, '안녕');
    const [first, second] = await heard(4, 2);
    expect(first).toContain('GH_REQUEST_TOO_LONG');
    expect(second).toBe('답');
  });

  test('that ends in a file name is submitted as text if the NAS refuses to return a file', async () => {
    const { fixture, dsm, type, waitForTexts: heard } = await openBridgeWithCore();
    dsm.fail({ kind: 'error', code: 105 }, { times: 3, method: 'post_file_get' });
    fixture.small.script(direct('요약'));
    await type(4, '어제 회의에서 말한 report.pdf');
    const said = await heard(4, 2);
    expect(said[0]).toContain('report.pdf');
    expect(said[1]).toBe('요약');
  });
});

test('a refusal by the core is shown once if it arrives before the broker has acknowledged the message', async () => {
  const dsm = await fakeNas();
  const tooLong = { code: 'GH_REQUEST_TOO_LONG' as const, message: 'too long' };
  const requests: unknown[] = [];
  const { bridge, reply, storage, textsShownTo } = await openBridgeWithoutCore(
    dsm,
    {},
    {
      link: {
        async submit(body, key) {
          const { user_id } = body as { user_id: string };
          await reply(finalReply(key, 'refused', { external_id: key, kind: 'error', user_id }));
          return { ok: true, value: 'stored' };
        },
        request(_, body) {
          requests.push(body);
          return Promise.resolve({ ok: false, problem: tooLong });
        },
      },
    },
  );
  dsm.saveUrl('Gatehouse', bridge.url);
  await dsm.say({ userId: 4, text: 'a long message' }).settled;
  const counts = () => storage.counts();
  await expect.poll(counts, { timeout: waitMs }).toMatchObject({ sent: 1, inbox: 0 });
  await dsm.say({ userId: 5, text: 'a later message' }).settled;
  await dsm.until(() => textsShownTo(5).length > 0, waitMs);
  expect(textsShownTo(4)).toEqual(['refused']);
  expect(requests).toEqual([]);
});

test('refusals for a too fast message and a late click are in English for a user who writes English', async () => {
  const dsm = await fakeNas({ rules: { sulksAfter: 'nothing' } });
  const unknown = { code: 'GH_JOB_NOT_FOUND' as const, message: 'no' };
  const request = () => Promise.resolve({ ok: false as const, problem: unknown });
  const {
    bridge,
    reply,
    textsShownTo: said,
  } = await openBridgeWithoutCore(dsm, { ratePerMinute: 2 }, { link: { request } });
  dsm.saveUrl('Gatehouse', bridge.url);
  await reply({
    reply_id: 'j1:5',
    job_id: 'j1',
    user_id: '4',
    channel: 'synology',
    n: 5,
    kind: 'draft',
    text: 'A draft',
    buttons: [{ action: 'confirm', text: 'Confirm' }],
  });
  await dsm.until(() => said(4).length === 1, waitMs);
  const post = dsm.posts().find(({ text }) => text === 'A draft')!;
  const { value } = post.attachments[0]!.actions[0]!;
  await dsm.press({ userId: 4, postId: post.postId, value }).settled;
  for (const text of ['What is the weather today?', 'And tomorrow?'])
    await dsm.say({ userId: 4, text }).settled;
  const { chatButtonOld, chatTooFast } = textsOf('en');
  await dsm.until(() => said(4).length === 3, waitMs);
  expect(said(4).toSorted()).toEqual(['A draft', chatButtonOld, chatTooFast].toSorted());
});

describe('a click on a button', () => {
  const row: InboxRow = {
    id: 1,
    key: 'click-1-x',
    kind: 'click',
    target: 'main',
    lane: 'main/4',
    chatUser: '4',
    userId: '4',
    text: '',
    click: { jobId: 'j1', action: 'confirm' },
    file: null,
    attachment: null,
    state: 'stored',
    jobId: null,
    afterSeq: 0,
    receivedAt: 0,
  };
  const press = async (
    code: ErrorCode,
    label = '',
    locale: Locale | 'auto' = 'ko',
  ): Promise<{ isOver: boolean; said: string[] }> => {
    const said: string[] = [];
    const problem = { ok: false as const, problem: { code, message: 'no' } };
    const clicks = createButtonHandler({
      channel: 'synology',
      targets: { threadOf: () => null },
      storage: { draftOf: () => ({ userId: '4', lane: 'main/4', n: 1 }) },
      link: {
        start: () => undefined,
        stop: () => Promise.resolve(),
        state: 'connected',
        problem: null,
        submit: () => Promise.resolve(problem),
        request: () => Promise.resolve(problem),
        report: () => Promise.resolve(problem),
      },
      say: ({ text }) => void said.push(text),
      locale,
      now: Date.now,
      log: silentLog(),
    });
    return { isOver: await clicks.handle({ ...row, text: label }), said };
  };

  test('that the core refuses permanently is not retried, and the user receives the error code', async () => {
    for (const code of ['GH_REQUEST_INVALID', 'GH_REQUEST_FORBIDDEN', 'GH_JOB_VERSION'] as const) {
      const { isOver, said } = await press(code);
      expect(isOver).toBe(true);
      expect(said).toEqual([expect.stringContaining(code)]);
    }
  });

  test.each([
    ['Confirm', 'auto', 'en'],
    ['확인', 'auto', 'ko'],
    // An older button, or a chat that does not send the label.
    ['', 'auto', 'ko'],
    ['Confirm', 'ko', 'ko'],
  ] as const)(
    'with the label "%s" is answered in the right language (locale %s: %s)',
    async (label, locale, spoken) => {
      const { said } = await press('GH_JOB_NOT_FOUND', label, locale);
      expect(said).toEqual([textsOf(spoken).chatButtonOld]);
    },
  );

  test('is retried after a temporary error and after an unknown error code', async () => {
    const newer = 'GH_JOB_OF_TOMORROW' as ErrorCode;
    for (const code of [
      'GH_BUS_UNREACHABLE',
      'GH_BUS_REFUSED',
      'GH_STORE_LOCKED',
      newer,
    ] as const) {
      expect(await press(code)).toEqual({ isOver: false, said: [] });
    }
  });
});
