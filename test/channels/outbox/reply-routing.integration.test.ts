/** Replies go back to the bot or channel of the question; files in questions. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Post } from '#simulators/synology-chat/chat-types';
import type { FakeDsmOptions } from '#simulators/synology-chat/fake-dsm';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import { broker } from '#test/events/nats-fixture';
import { direct, openCore } from '#test/support/core';
import { wantsDentist } from '#test/support/dentist';
import { saysJson } from '#test/support/fake-llm-replies';
import { asianPdf, pdfOf } from '../inbox/pdf.ts';
import {
  openBridge,
  fakeNas,
  natsCommand,
  textsShownTo,
  token,
  waitMs,
} from '../bridge-fixture.ts';

const polled = { timeout: waitMs, interval: 20 };
const outgoing = 'O'.repeat(64);
const incoming = 'I'.repeat(64);
const second = 'W'.repeat(64);

const places: FakeDsmOptions = {
  integrations: [
    { kind: 'bot', name: 'Gatehouse', token, url: null },
    { kind: 'bot', name: 'Work', token: second, url: null },
    { kind: 'outgoing', name: 'Ask', token: outgoing, url: null, channelId: 1, triggerWord: '!g' },
    { kind: 'incoming', name: 'Answer', token: incoming, url: null, channelId: 1 },
  ],
};

async function office(
  change: Record<string, unknown> = {},
  userIdMap: Record<string, number> = { 1: 4 },
) {
  const server = await broker();
  const fixture = await openCore({ nats: { mode: 'external', url: server.url } });
  onTestFinished(() => fixture.close());
  const dsm = await fakeNas(places);
  const opened = await openBridge({
    dsm,
    natsUrl: server.url,
    synology: {
      incomingUrl: dsm.apiUrl('Gatehouse'),
      bots: [{ name: 'work', incomingUrl: dsm.apiUrl('Work'), token: second, allowedUserIds: [4] }],
      channels: [
        {
          channelId: 1,
          incomingUrl: dsm.apiUrl('Answer'),
          token: outgoing,
          triggerWords: ['!g'],
          userIdMap,
        },
      ],
      ...change,
    },
  });
  for (const name of ['Gatehouse', 'Work', 'Ask', 'Answer']) dsm.saveUrl(name, opened.url);
  return { dsm, fixture, ...opened };
}

const inChannel = (dsm: FakeDsm, channelId: number) =>
  dsm
    .posts()
    .filter(
      ({ conversationId, author }) => conversationId === channelId && author.kind === 'integration',
    );

describe.skipIf(natsCommand === null)('an answer', () => {
  test('is posted by the bot that received the question, and each bot has its own conversation', async () => {
    const { dsm, fixture } = await office();
    fixture.small.script(direct('일'), direct('집'));
    await dsm.say({ userId: 4, text: '회사 질문', bot: 'Work' }).settled;
    await dsm.until(() => textsShownTo(dsm, 4).length === 1, waitMs);
    await dsm.say({ userId: 4, text: '집 질문', bot: 'Gatehouse' }).settled;
    await dsm.until(() => textsShownTo(dsm, 4).length === 2, waitMs);
    const [work, home] = dsm.posts().filter(({ author }) => author.kind === 'integration');
    expect([work!.author, home!.author]).toMatchObject([{ name: 'Work' }, { name: 'Gatehouse' }]);
    // The prompt for the home bot contains nothing of the work bot's conversation.
    expect(JSON.stringify(fixture.small.requests[1]!.body.messages)).not.toContain('회사 질문');
  });

  test('to a channel question is posted in the channel, and the question has no trigger word', async () => {
    const { dsm, fixture } = await office();
    fixture.small.script(direct('모두에게'));
    await dsm.say({ userId: 4, channelId: 1, text: '!g 몇 시야?' }).settled;
    await dsm.until(() => inChannel(dsm, 1).length === 1, waitMs);
    expect(inChannel(dsm, 1)[0]).toMatchObject({ text: '모두에게', author: { name: 'Answer' } });
    expect(textsShownTo(dsm, 4)).toEqual([]);
    const [job] = (await fixture.client.jobs({})).jobs;
    expect(job).toMatchObject({ message: '몇 시야?', user_id: '4', channel: 'synology' });
  });

  test('is not given to a channel user who is not in userIdMap: the question is refused', async () => {
    const { dsm, fixture } = await office();
    const [delivery] = await dsm.say({ userId: 5, channelId: 1, text: '!g 누구?' }).settled;
    expect(delivery).toMatchObject({ status: 403 });
    expect((await fixture.client.jobs({})).jobs).toEqual([]);
  });

  test('for a user outside the userIdMap is not posted in the channel, and is reported as dead', async () => {
    const { dsm, fixture } = await office();
    const ask = (userId: string) =>
      fixture.client.submit({
        message: '질문',
        user_id: userId,
        channel: 'synology',
        thread: 'channel-1',
      });
    fixture.small.script(direct('남의 답'), direct('식구의 답'));
    const stranger = await ask('5');
    await expect
      .poll(async () => (await fixture.client.job(stranger)).deliveries, polled)
      .toMatchObject([{ status: 'dead', error: expect.stringContaining('not configured') }]);
    await ask('4');
    await dsm.until(() => inChannel(dsm, 1).length === 1, waitMs);
    expect(inChannel(dsm, 1).map(({ text }) => text)).toEqual(['식구의 답']);
    expect([...textsShownTo(dsm, 4), ...textsShownTo(dsm, 5)]).toEqual([]);
  });

  test('with a draft in a channel has buttons, and only a click of its owner is accepted', async () => {
    const { dsm, fixture } = await office({}, { 1: 4, 2: 5 });
    fixture.small.script(wantsDentist);
    const text = '!g 2031년 3월 5일 3시에 치과 잡아줘';
    await dsm.say({ userId: 4, channelId: 1, text }).settled;
    await dsm.until(() => inChannel(dsm, 1).length === 1, waitMs);
    const [{ postId, attachments }] = inChannel(dsm, 1) as [Post];
    const { value } = attachments[0]!.actions[0]!;
    await dsm.press({ userId: 5, postId, value }).settled;
    await dsm.until(() => inChannel(dsm, 1).length === 2, waitMs);
    expect(inChannel(dsm, 1)[1]?.text).toBe('이 버튼은 요청하신 분만 누를 수 있습니다.');
    await dsm.press({ userId: 4, postId, value }).settled;
    await dsm.until(() => inChannel(dsm, 1).length === 3, waitMs);
    const [job] = (await fixture.client.jobs({})).jobs;
    expect(job).toMatchObject({ outcome: 'answered', reply: inChannel(dsm, 1)[2]?.text });
  });
});

describe.skipIf(natsCommand === null)('a file', () => {
  const file = (name: string, content: string | Buffer) => ({
    name,
    type: 'application/octet-stream',
    content: Buffer.from(content),
  });

  test('is read, sent to the model with the question, and stored as a document', async () => {
    const { dsm, fixture } = await office({ files: 'always' });
    fixture.small.script(direct('열 시입니다'));
    const notes = file('회의록.md', '# 회의\n\n펭귄 회의는 열 시에 시작한다.');
    await dsm.say({ userId: 4, text: '몇 시에 시작해?', file: notes }).settled;
    await dsm.until(() => textsShownTo(dsm, 4).length === 1, waitMs);
    expect(textsShownTo(dsm, 4)).toEqual(['열 시입니다']);
    const asked = JSON.stringify(fixture.small.requests[0]!.body.messages);
    expect(asked).toContain('펭귄 회의는 열 시에 시작한다.');
    const url = `${fixture.core.url}/documents/search?q=${encodeURIComponent('펭귄')}&user_id=4`;
    const { results } = (await (await fetch(url)).json()) as { results: { title: string }[] };
    expect(results.map(({ title }) => title)).toEqual(['회의록.md']);
  });

  test('without a question is summarized, also a PDF', async () => {
    const { dsm, fixture } = await office();
    const memo = pdfOf(Buffer.from('BT /F1 24 Tf 72 720 Td (Penguins at ten) Tj ET'));
    fixture.small.script(direct('요약'));
    await dsm.say({ userId: 4, text: '', file: file('memo.pdf', memo) }).settled;
    await dsm.until(() => textsShownTo(dsm, 4).length === 1, waitMs);
    const [job] = (await fixture.client.jobs({})).jobs;
    expect(job?.message).toContain('memo.pdf');
    expect(JSON.stringify(fixture.small.requests[0]!.body.messages)).toContain('Penguins at ten');
  });

  test('of a post without text is fetched and read, and the user is notified of unreadable parts', async () => {
    const { dsm, fixture } = await office();
    dsm.changeRules({ sendsNameAsText: false, sulksAfter: 'nothing' });
    fixture.small.script(direct('요약'));
    const quotation = asianPdf('No-Such-H', 'Quotation 2031', Buffer.from('0a0b', 'hex'));
    await dsm.say({ userId: 4, text: '', file: file('견적.pdf', quotation) }).settled;
    await dsm.until(() => textsShownTo(dsm, 4).length === 2, waitMs);
    expect(textsShownTo(dsm, 4).toSorted()).toEqual([
      '"견적.pdf"의 글자 일부는 읽지 못했습니다.',
      '요약',
    ]);
    expect(JSON.stringify(fixture.small.requests[0]!.body.messages)).toContain('Quotation 2031');
    // For example a sticker.
    const [delivery] = await dsm.say({ userId: 4, text: '' }).settled;
    expect(delivery).toMatchObject({ status: 400 });
  });

  test('whose reading ended with the process is not read again, and the user is notified', async () => {
    const { dsm, fixture, storage } = await office();
    const memo = pdfOf(Buffer.from('BT /F1 24 Tf 72 720 Td (Penguins at ten) Tj ET'));
    const { insertInbox: take } = storage;
    // The row on disk is as after a kill of the process during the reading.
    storage.insertInbox = (rows, at) => {
      const isNew = take(rows, at);
      for (const { id } of storage.unsubmittedInbox()) storage.markFileTried(id);
      return isNew;
    };
    await dsm.say({ userId: 4, text: '', file: file('memo.pdf', memo) }).settled;
    await dsm.until(() => textsShownTo(dsm, 4).length === 1, waitMs);
    expect(textsShownTo(dsm, 4)[0]).toContain('"memo.pdf" cannot be read');
    expect((await fixture.client.jobs({})).jobs).toEqual([]);
  });

  test('that is unreadable is refused with a text, and a too long file is cut with a notice', async () => {
    const { dsm, fixture } = await office();
    const image = file('그림.pdf', Buffer.from([0, 1, 2, 3, 0xff]));
    await dsm.say({ userId: 4, text: '', file: image }).settled;
    await dsm.until(() => textsShownTo(dsm, 4).length === 1, waitMs);
    expect(textsShownTo(dsm, 4)[0]).toContain('읽을 수 없습니다');
    expect((await fixture.client.jobs({})).jobs).toEqual([]);
    fixture.small.script(saysJson({ action: 'direct', response: '요약' }));
    await dsm.say({ userId: 4, text: '', file: file('책.txt', '긴 글입니다. '.repeat(9_000)) })
      .settled;
    await dsm.until(() => textsShownTo(dsm, 4).includes('요약'), waitMs);
    expect(textsShownTo(dsm, 4).some((text) => text.includes('앞부분'))).toBe(true);
    await expect.poll(() => dsm.audit().repeated, polled).toEqual([]);
  });

  test('name without a file is treated as a text message', async () => {
    const { dsm, fixture } = await office();
    fixture.small.script(direct('무슨 파일인가요?'));
    await dsm.say({ userId: 4, text: 'notes.txt' }).settled;
    await dsm.until(() => textsShownTo(dsm, 4).length === 1, waitMs);
    expect((await fixture.client.jobs({})).jobs[0]).toMatchObject({ message: 'notes.txt' });
  });
});
