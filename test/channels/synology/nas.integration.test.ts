/** The bridge's handling of the NAS: pace, length limits, lost responses, outages, certificates. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { describe, expect, test } from 'vitest';
import { createNasClient } from '#channels/synology/nas-client';
import { parseTargets } from '#channels/synology/targets';
import type { Reply } from '#shared/wire/reply';
import type { FakeDsmOptions } from '#simulators/synology-chat/fake-dsm';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import { folderForTest } from '#test/events/nats-fixture';
import {
  openBridgeWithoutCore,
  fakeNas,
  finalReply,
  token,
  waitMs,
  type BridgeWithoutCore,
} from '../bridge-fixture.ts';

const polled = { timeout: waitMs, interval: 20 };

let nextJob = 0;
const final = (text: string, change: Partial<Reply> = {}): Reply => {
  nextJob += 1;
  return finalReply(`job-${nextJob}`, text, change);
};

/** A bridge without a core: the test passes the replies and reads the reports. */
async function chat(
  dsmOptions: FakeDsmOptions = {},
  synology: Record<string, unknown> = {},
): Promise<BridgeWithoutCore & { dsm: FakeDsm }> {
  const dsm = await fakeNas(dsmOptions);
  return Object.assign(await openBridgeWithoutCore(dsm, synology), { dsm });
}

const text = (parts: number): string =>
  Array.from({ length: parts }, (_, index) => `${index} `.padEnd(100, '가')).join('\n');

describe('a reply', () => {
  test('of 12,000 characters with emoji, code and markup is posted completely and in order', async () => {
    const { dsm, reply, reports, textsShownTo: said } = await chat();
    const line = '한글과 emoji 👨‍👩‍👧‍👦🇰🇷, & + % # "인용" <b> \\ \n';
    const code = '```ts\nconst a = "b & c" + `%d`;\n```\n\n';
    const whole = Array.from({ length: 12_000 }, (_, n) => (n % 7 === 0 ? code : `${n} ${line}`))
      .join('')
      .slice(0, 12_000)
      .toWellFormed();
    await reply(final(whole));
    await expect.poll(() => reports, polled).toMatchObject([{ status: 'sent' }]);
    const posts = said(4);
    expect(posts.length).toBeGreaterThanOrEqual(7);
    // A code fence over two posts is closed and opened again; the rest of the text is unchanged.
    const joined = posts.join('').replaceAll(/\n?```(?:ts\n)?/g, '');
    expect(joined).toBe(whole.replaceAll(/\n?```(?:ts\n)?/g, ''));
    expect(dsm.audit().outcomes).toEqual({ success: posts.length });
    expect(reports[0]).toMatchObject({ parts: posts.length });
  });

  test('that is too long for this NAS is halved, and the limit is remembered', async () => {
    const {
      dsm,
      reply,
      reports,
      textsShownTo: said,
    } = await chat({ rules: { textLengthMax: 500 } });
    await reply(final(text(10)));
    await expect.poll(() => reports.length, polled).toBe(1);
    expect(said(4).join('')).toBe(text(10));
    const { outcomes } = dsm.audit();
    expect(outcomes['error 410']).toBeLessThanOrEqual(3);
    await reply(final(text(6)));
    await expect.poll(() => reports.length, polled).toBe(2);
    expect(dsm.audit().outcomes['error 410']).toBe(outcomes['error 410']);
  });

  test('that the NAS refuses as too fast is sent again until it is posted', async () => {
    const { dsm, reply, reports, textsShownTo: said } = await chat();
    dsm.fail({ kind: 'error', code: 411 }, { times: 2 });
    await reply(final('하나'));
    await reply(final('둘'));
    await expect.poll(() => reports.map(({ status }) => status), polled).toEqual(['sent', 'sent']);
    expect(said(4)).toEqual(['하나', '둘']);
  });

  test('whose response was lost is uncertain, and is not sent again', async () => {
    const { dsm, reply, reports, textsShownTo: said } = await chat();
    const posts = { method: 'chatbot' } as const;
    for (const at of ['stored', 'answer', 'unstored'] as const)
      dsm.fail({ kind: 'cut', at }, posts);
    dsm.fail({ kind: 'page', status: 503 }, posts);
    for (const one of ['가', '나', '다', '라', '마']) await reply(final(one));
    await expect
      .poll(() => reports.map(({ status }) => status), polled)
      .toEqual([...Array.from({ length: 4 }, () => 'uncertain'), 'sent']);
    expect(said(4)).toEqual(['가', '나', '마']);
    expect(reports[0]?.error).toMatch(/^GH_BRIDGE_UNCERTAIN: /);
  });

  test('with a part of unknown result is continued, and is reported as uncertain', async () => {
    const { dsm, reply, reports, textsShownTo: said } = await chat({}, { maxChars: 500 });
    dsm.fail({ kind: 'slow', headersMs: 1, bodyMs: 0 });
    dsm.fail({ kind: 'cut', at: 'unstored' });
    await reply(final(text(15)));
    await expect.poll(() => reports, polled).toMatchObject([{ status: 'uncertain', parts: 4 }]);
    expect(said(4)).toHaveLength(3);
  });

  test('that the chat refuses permanently is dead with a reason, and the next reply is posted', async () => {
    const { dsm, reply, reports, textsShownTo: said } = await chat();
    dsm.fail({ kind: 'error', code: 407 });
    await reply(final('나쁜 글'));
    await reply(final('좋은 글'));
    await expect.poll(() => reports.map(({ status }) => status), polled).toEqual(['dead', 'sent']);
    expect(reports[0]?.error).toContain('407');
    const apology = '답변을 채팅에 표시하지 못했습니다. 다시 요청해주세요.';
    await expect.poll(() => said(4).toSorted(), polled).toEqual([apology, '좋은 글'].toSorted());
  });

  test('waits while the NAS is unreachable, and is then posted in order', async () => {
    const { dsm, reply, reports, storage, textsShownTo: said } = await chat();
    await dsm.refuseConnections();
    await reply(final('하나'));
    await reply(final('둘'));
    const tries = () => storage.openReplies()[0]?.delivery.context.tries;
    await expect.poll(tries, polled).toBeGreaterThan(0);
    await dsm.acceptConnections();
    await expect.poll(() => reports.map(({ status }) => status), polled).toEqual(['sent', 'sent']);
    expect(said(4)).toEqual(['하나', '둘']);
  });

  test('to a user who is not allowed is dead and not posted', async () => {
    const { reply, reports, textsShownTo: said } = await chat();
    await reply(final('비밀', { user_id: '6' }));
    await expect.poll(() => reports, polled).toMatchObject([{ status: 'dead', parts: 0 }]);
    expect(said(6)).toEqual([]);
  });

  test('is posted once, even if the broker delivers it several times', async () => {
    const { reply, reports, textsShownTo: said } = await chat();
    const one = final('한 번');
    expect(await Promise.all([reply(one), reply(one), reply(one)])).toEqual([
      'done',
      'done',
      'done',
    ]);
    await expect.poll(() => reports.length, polled).toBe(1);
    expect(await reply(one)).toBe('done');
    expect(said(4)).toEqual(['한 번']);
  });

  test('to one user does not wait for the long reply to another user', async () => {
    const {
      reply,
      reports,
      textsShownTo: said,
      dsm,
    } = await chat({}, { maxChars: 200, minIntervalMs: 5 });
    await reply(final(text(40)));
    await reply(final('짧은 답', { user_id: '5' }));
    await dsm.until(() => said(5).length === 1, waitMs);
    expect(said(4).length).toBeLessThan(6);
    await expect.poll(() => reports.length, polled).toBe(2);
  });
});

/** A certificate signed by a private authority, in the folder where the fake NAS looks for its certificate. */
async function signedCertificate(): Promise<{ folder: string; cert: string }> {
  const algorithm = 'sha256';
  const authority = await generate([{ name: 'commonName', value: 'authority at home' }], {
    keyType: 'ec',
    algorithm,
    extensions: [{ name: 'basicConstraints', cA: true }],
  });
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'nas' }], {
    keyType: 'ec',
    algorithm,
    extensions: [{ name: 'basicConstraints', cA: false }],
    ca: { key: authority.private, cert: authority.cert },
  });
  const folder = folderForTest();
  writeFileSync(join(folder, 'fake-dsm.crt'), cert);
  writeFileSync(join(folder, 'fake-dsm.key'), key);
  return { folder, cert };
}

describe('an https NAS', () => {
  const post = async (dsm: FakeDsm, trust: Parameters<typeof createNasClient>[0]) => {
    const targets = parseTargets({
      incomingUrl: dsm.apiUrl(),
      token,
      allowedUserIds: [4],
      bots: [],
      channels: [],
      users: {},
    });
    return createNasClient(trust).post(targets.all[0]!, {
      text: '글',
      chatUser: '4',
      buttons: null,
    });
  };

  test('is trusted only with both its own certificate and its fingerprint', async () => {
    const dsm = await fakeNas({ tls: true });
    const ca = dsm.certificate!;
    expect(await post(dsm, {})).toMatchObject({
      type: 'unreachable',
      error: expect.stringContaining('SELF_SIGNED') as string,
    });
    expect(await post(dsm, { ca })).toMatchObject({ type: 'unreachable' });
    const wrong = 'AA'.repeat(32);
    expect(await post(dsm, { ca, fingerprint256: wrong })).toMatchObject({ type: 'unreachable' });
    expect(dsm.posts()).toHaveLength(0);
    expect(await post(dsm, { ca, fingerprint256: dsm.fingerprint256! })).toEqual({
      type: 'posted',
    });
  });

  test('is trusted by its certificate and fingerprint without the certificate of its authority', async () => {
    const { folder, cert: ca } = await signedCertificate();
    const dsm = await fakeNas({ tls: true, tlsFolder: folder });
    const fingerprint256 = dsm.fingerprint256!;
    expect(await post(dsm, { fingerprint256 })).toMatchObject({ type: 'unreachable' });
    expect(await post(dsm, { ca, fingerprint256: 'AA'.repeat(32) })).toMatchObject({
      type: 'unreachable',
    });
    expect(dsm.posts()).toHaveLength(0);
    expect(await post(dsm, { ca, fingerprint256 })).toEqual({ type: 'posted' });
  });
});
