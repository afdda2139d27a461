/** Telegram through bridge, broker and core: what people do, and what they see. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { natsCommand } from '#test/events/nats-fixture';
import { direct, routed } from '#test/support/core';
import { dentistMessage, wantsDentist } from '#test/support/dentist';
import { after, fails, says } from '#test/support/fake-llm-replies';
import {
  ann,
  buttonsOf,
  duri,
  family,
  hana,
  lab,
  openTelegramBridge,
  polled,
} from './telegram-fixture.ts';

describe.skipIf(natsCommand === null)('a conversation in Telegram', () => {
  test('answers each user in the private chat, with formatting as entities', async () => {
    const { telegram, small, texts, client, core } = await openTelegramBridge();
    small.script(direct('**하나** `code`'), direct('둘'));
    telegram.say({ userId: hana, text: '첫째?' });
    await expect.poll(() => texts(hana), polled).toEqual(['하나 code']);
    telegram.say({ userId: duri, text: '둘째?' });
    await expect.poll(() => texts(duri), polled).toEqual(['둘']);
    const answer = telegram.posted(hana).find(({ text }) => text === '하나 code');
    expect(answer!.entities).toMatchObject([
      { type: 'bold', offset: 0, length: 2 },
      { type: 'code', offset: 3, length: 4 },
    ]);
    const [job] = (await client.jobs({ user_id: String(duri) })).jobs;
    expect(job).toMatchObject({ channel: 'telegram', message: '둘째?' });
    const metric = 'gatehouse_channel_deliveries_total{channel="telegram",status="sent"} 2';
    await expect
      .poll(async () => (await fetch(`${core.url}/metrics`)).text(), polled)
      .toContain(metric);
  });

  test('splits a long answer by UTF-16 units, keeps code fences whole, and loses nothing', async () => {
    const { telegram, small, texts, deliveries } = await openTelegramBridge();
    const code = Array.from({ length: 800 }, (_, line) => `값 ${line} 😀`).join('\n');
    small.script(direct(`앞\n\n\`\`\`ts\n${code}\n\`\`\`\n\n뒤`));
    telegram.say({ userId: hana, text: '코드 길게 써줘' });
    await expect.poll(() => deliveries(), polled).toMatchObject([{ status: 'sent' }]);
    const posts = telegram.posted(hana).filter(({ text }) => texts(hana).includes(text));
    expect(posts.length).toBeGreaterThan(1);
    for (const { text, entities } of posts) {
      expect(text.length).toBeLessThanOrEqual(4_096);
      const blocks = entities.filter(({ type }) => type === 'pre');
      expect(blocks.length).toBeGreaterThan(0);
    }
    const lines = texts(hana).flatMap((text) => text.split('\n'));
    expect(lines.filter((line) => line.startsWith('값'))).toEqual(code.split('\n'));
  });

  test('shows a draft with buttons; a press on them decides it once, and they vanish', async () => {
    const { telegram, small, client } = await openTelegramBridge();
    small.script(wantsDentist);
    telegram.say({ userId: hana, text: dentistMessage });
    await expect
      .poll(() => telegram.posted(hana).flatMap(buttonsOf), polled)
      .toEqual(['확인', '취소']);
    const draft = telegram.posted(hana).find((post) => buttonsOf(post).length > 0)!;
    const data = draft.keyboard!.flat()[0]!.callbackData!;
    expect(Buffer.byteLength(data)).toBeLessThanOrEqual(64);
    telegram.press(hana, hana, draft.messageId, data);
    telegram.press(hana, hana, draft.messageId, data);
    await expect.poll(() => telegram.posted(hana).flatMap(buttonsOf), polled).not.toContain('확인');
    await expect
      .poll(async () => (await client.jobs({ user_id: String(hana) })).jobs[0], polled)
      .toMatchObject({ outcome: 'answered' });
    await expect
      .poll(() => telegram.callbacks().map(({ answer }) => answer?.text), polled)
      .toEqual(['', '']);
  });

  test('lets only the owner press a button in a group, and says so to others', async () => {
    const { telegram, small, texts, client } = await openTelegramBridge();
    small.script(wantsDentist);
    telegram.say({
      userId: hana,
      chatId: family,
      text: '@gatehouse_bot 2031년 3월 5일 3시에 치과 잡아줘',
    });
    await expect.poll(() => telegram.posted(family).flatMap(buttonsOf), polled).toContain('확인');
    const draft = telegram.posted(family).find((post) => buttonsOf(post).length > 0)!;
    const data = draft.keyboard!.flat()[0]!.callbackData!;
    telegram.press(duri, family, draft.messageId, data);
    await expect.poll(() => texts(family).join('\n'), polled).toContain('요청하신 분만');
    telegram.press(ann, family, draft.messageId, data);
    await expect
      .poll(() => telegram.callbacks().at(-1)!.answer, polled)
      .toMatchObject({ text: '이 봇을 사용할 수 없습니다.', showAlert: true });
    expect(telegram.posted(family).flatMap(buttonsOf)).toContain('확인');
    expect((await client.jobs({ user_id: String(hana) })).jobs[0]!.outcome).toBeNull();
  });

  test('answers in a group by name, reply and trigger word only, as a reply and in its topic', async () => {
    const { telegram, small, client, texts } = await openTelegramBridge();
    small.script(direct('하나'), direct('둘'), direct('셋'));
    telegram.say({ userId: duri, chatId: lab, threadId: 2, text: '우리끼리 하는 말' });
    const asked = telegram.say({ userId: hana, chatId: lab, threadId: 2, text: '집사, 첫째?' });
    await expect.poll(() => texts(lab), polled).toEqual(['하나']);
    const first = telegram.posted(lab).find(({ text }) => text === '하나');
    expect(first).toMatchObject({ threadId: 2, replyTo: asked.message.messageId });
    telegram.say({
      userId: duri,
      chatId: lab,
      threadId: 2,
      replyTo: first!.messageId,
      text: '둘째?',
    });
    await expect
      .poll(() => telegram.posted(lab).at(-1), polled)
      .toMatchObject({ text: '둘', threadId: 2 });
    telegram.say({ userId: hana, chatId: family, text: '셋째는 @Gatehouse_Bot ?' });
    await expect.poll(() => texts(family), polled).toEqual(['셋']);
    const { jobs } = await client.jobs({});
    expect(jobs.map(({ message, thread }) => [message, thread]).toReversed()).toEqual([
      ['첫째?', 'group-1001000000402-2'],
      ['둘째?', 'group-1001000000402-2'],
      ['셋째는 ?', 'group-401'],
    ]);
  });

  test('tells a stranger the own number once a day, also after a restart, and asks the core nothing', async () => {
    const { telegram, texts, restart, client, small, lines } = await openTelegramBridge();
    telegram.say({ userId: ann, text: 'hello' });
    telegram.say({ userId: ann, text: 'hello?' });
    await expect.poll(() => texts(ann), polled).toEqual([expect.stringContaining('503')]);
    await restart();
    telegram.say({ userId: ann, text: 'hello??' });
    small.script(direct('네'));
    telegram.say({ userId: hana, text: '나는?' });
    await expect.poll(() => texts(hana), polled).toEqual(['네']);
    expect(texts(ann)).toHaveLength(1);
    expect((await client.jobs({})).jobs).toHaveLength(1);
    // Those that were not acknowledged before the restart come again.
    const logged = lines.filter((line) => line.includes('not served'));
    expect(logged.length).toBeGreaterThanOrEqual(3);
  });

  test('answers its own commands, and /cancel ends what is running', async () => {
    const { telegram, texts, large, small, client } = await openTelegramBridge();
    telegram.say({ userId: hana, text: '/start' });
    telegram.say({ userId: hana, text: '/help@gatehouse_bot' });
    await expect.poll(() => texts(hana), polled).toHaveLength(2);
    expect(texts(hana)[1]).toContain('/cancel');
    expect(telegram.status().commands.map(({ command }) => command)).toEqual(['help', 'cancel']);
    const { promise, resolve } = Promise.withResolvers<void>();
    onTestFinished(() => resolve());
    small.script(routed);
    large.script(after(promise, says('늦은 답')));
    telegram.say({ userId: hana, text: '왜 하늘은 파래?' });
    await expect.poll(() => large.requests.length, polled).toBe(1);
    telegram.say({ userId: hana, text: '/cancel' });
    await expect
      .poll(async () => (await client.jobs({ user_id: String(hana) })).jobs[0]!.state, polled)
      .toBe('cancelled');
  });

  test('changes the progress notice in place of posting another', async () => {
    const { telegram, small, large, texts } = await openTelegramBridge({
      telegram: { noticeDelayMs: 20 },
    });
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    onTestFinished(() => [first, second].forEach(({ resolve }) => resolve()));
    small.script(routed, after(second.promise, says('짧은 답')));
    large.script(after(first.promise, fails(500)));
    telegram.say({ userId: hana, text: '왜 하늘은 파래?' });
    await expect.poll(() => texts(hana).length, polled).toBe(1);
    const [notice] = texts(hana);
    first.resolve();
    await expect.poll(() => texts(hana)[0], polled).not.toBe(notice);
    second.resolve();
    await expect.poll(() => texts(hana).at(-1), polled).toBe('짧은 답');
    expect(texts(hana)).toHaveLength(2);
  });

  test('reads a file with its caption, refuses a large one, and says what it cannot read', async () => {
    const { telegram, small, texts, client } = await openTelegramBridge();
    small.script(direct('요약'));
    const file = {
      name: 'memo.md',
      type: 'text/markdown',
      content: Buffer.from('# 비밀 계획\n내일 산에 간다'),
    };
    telegram.say({ userId: hana, text: '요약해줘', file });
    await expect.poll(() => texts(hana), polled).toEqual(['요약']);
    expect(JSON.stringify(small.requests.at(-1))).toContain('내일 산에 간다');
    const large = {
      name: 'large.pdf',
      type: 'application/pdf',
      content: Buffer.from('x'),
      size: 21 * 1024 ** 2,
    };
    telegram.say({ userId: hana, file: large });
    telegram.say({
      userId: hana,
      kind: 'voice',
      file: { name: 'v.ogg', type: 'audio/ogg', content: Buffer.from('x') },
    });
    telegram.say({
      userId: hana,
      kind: 'photo',
      file: { name: 'p.jpg', type: 'image/jpeg', content: Buffer.from('x') },
    });
    telegram.say({ userId: hana, extra: { location: { latitude: 1, longitude: 2 } } });
    await expect.poll(() => texts(hana).length, polled).toBe(5);
    const said = texts(hana).join('\n');
    for (const words of ['20MB', '음성', '사진', '이런 메시지']) expect(said).toContain(words);
    expect((await client.jobs({})).jobs).toHaveLength(1);
  });

  test('says that an edited message is not read again, once, and nothing if its text is the same', async () => {
    const { telegram, small, texts } = await openTelegramBridge();
    small.script(direct('답'), direct('둘째 답'));
    const { message } = telegram.say({ userId: hana, text: '질믄' });
    await expect.poll(() => texts(hana), polled).toEqual(['답']);
    telegram.edit(hana, message.messageId, '질믄');
    telegram.edit(hana, message.messageId, '질문');
    telegram.edit(hana, message.messageId, '질문!');
    await expect.poll(() => texts(hana).length, polled).toBe(2);
    expect(texts(hana)[1]).toContain('고친 메시지');
    telegram.say({ userId: hana, text: '다음' });
    await expect.poll(() => texts(hana), polled).toEqual(['답', texts(hana)[1], '둘째 답']);
  });
});
