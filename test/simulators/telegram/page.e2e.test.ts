/** The page of the fake Telegram in a real browser. */
import type { Browser, Page } from 'playwright-core';
import { InlineKeyboard } from 'grammy';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, prepareChromium } from '#test/support/chromium';
import {
  family,
  hana,
  openTelegram,
  refusalOf,
  type TestTelegram,
} from './fake-telegram-fixture.ts';

const executable = prepareChromium();
let browser: Browser;
let page: Page | undefined;
let complaints: string[];

beforeAll(async () => {
  if (executable !== null) browser = await launchChromium(executable);
});
afterAll(() => browser?.close());
afterEach(async () => {
  await page?.context().close();
  page = undefined;
});

async function look(
  size = { width: 1280, height: 900 },
): Promise<{ telegram: TestTelegram; page: Page }> {
  const telegram = await openTelegram({ pagePort: 0 });
  const context = await browser.newContext({ viewport: size });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(telegram.pageUrl!);
  await page.getByText('live', { exact: true }).waitFor();
  return { telegram, page };
}

const posts = (page: Page) => page.getByRole('log', { name: 'Posts' });

async function say(page: Page, text: string): Promise<void> {
  const message = page.getByRole('textbox', { name: 'Message' });
  await message.fill(text);
  await message.press('Enter');
  await posts(page).locator('.text').getByText(text, { exact: true }).waitFor();
}

describe.skipIf(executable === null)('the page of the fake Telegram', () => {
  test('sends what a user types, shows the answer with formats and buttons, and a press with its answer', async () => {
    const { telegram, page } = await look();
    await say(page, '내일 오후 3시 회의');
    await page.getByText('waits for the bot').waitFor();
    const [update] = await telegram.api.getUpdates();
    await telegram.api.getUpdates({ offset: update!.update_id + 1 });
    await page.getByText('the bot has acknowledged it').waitFor();

    await telegram.api.sendMessage(
      hana,
      '<b>회의</b> <a href="https://example.org/">자세히</a> &lt;script&gt;alert(1)&lt;/script&gt;',
      {
        parse_mode: 'HTML',
        reply_parameters: { message_id: update!.message!.message_id },
        reply_markup: new InlineKeyboard().text('확인', 'yes').text('취소', 'no'),
      },
    );
    await posts(page).locator('b', { hasText: '회의' }).waitFor();
    const link = page.getByRole('link', { name: '자세히' });
    expect(await link.getAttribute('href')).toBe('https://example.org/');
    await posts(page).getByText('<script>alert(1)</script>').waitFor();
    await page.getByRole('button', { name: '확인' }).click();
    await page.getByText('Press of “yes”: no answer yet').waitFor();
    const pressed = (await telegram.api.getUpdates()).at(-1)!.callback_query!;
    await telegram.api.answerCallbackQuery(pressed.id, { text: '만들었습니다' });
    await page.getByText('Press of “yes”: answered “만들었습니다”').waitFor();
    expect(complaints).toEqual([]);
  });

  test('edits, deletes and answers messages, and shows edits of the bot', async () => {
    const { telegram, page } = await look();
    await say(page, '하나');
    await page.getByText('Edit', { exact: true }).click();
    await page.getByRole('textbox', { name: 'New text' }).fill('둘');
    await page.getByRole('button', { name: 'Save' }).click();
    await posts(page).getByText('(edited)').waitFor();
    const sent = await telegram.api.sendMessage(hana, '생각 중');
    await telegram.api.editMessageText(hana, sent.message_id, '대답');
    await posts(page).getByText('대답').waitFor();
    const answer = posts(page).locator('.post', { hasText: '대답' });
    await answer.getByRole('button', { name: 'Reply' }).click();
    await say(page, '고마워');
    expect(telegram.messages().at(-1)).toMatchObject({ replyTo: sent.message_id });
    await answer.first().getByRole('button', { name: 'Delete' }).click();
    await telegram.until(() => telegram.posted(hana).length === 0, 5_000);
    const edits = (await telegram.api.getUpdates()).map(
      ({ edited_message }) => edited_message?.text,
    );
    expect(edits).toEqual([undefined, '둘', undefined]);
  });

  test('blocks the bot, removes it from a group, and makes the group a supergroup', async () => {
    const { telegram, page } = await look();
    await say(page, 'a');
    await page.getByRole('button', { name: 'Block for 김하나' }).click();
    await page.getByText('김하나: blocked').waitFor();
    expect(await refusalOf(telegram.api.sendMessage(hana, 'a'))).toContain('403');
    await page.getByRole('button', { name: 'Remove from Family' }).click();
    await page.getByText('Family (-401): group, kicked').waitFor();
    await page.getByRole('button', { name: 'Add to Family' }).click();
    await page.getByRole('button', { name: 'Make Family a supergroup' }).click();
    await page.getByText('Family (-401): is now -1000000000401').waitFor();
    expect(await refusalOf(telegram.api.sendMessage(family, 'a'))).toContain('upgraded');
  });

  test('shows a group to all its members, and a topic only what is in it', async () => {
    const { telegram, page } = await look();
    telegram.changeRules({ privacyMode: false });
    await page.getByRole('button', { name: '# Lab › Papers' }).click();
    await say(page, '논문');
    await page.getByLabel('You are').selectOption('502');
    await posts(page).getByText('논문').waitFor();
    await page.getByRole('button', { name: '# Lab › Meetings' }).click();
    await posts(page).getByText('논문').waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: '# Lab', exact: true }).click();
    await posts(page).getByText('논문').waitFor();
    expect(telegram.messages().at(-1)).toMatchObject({ threadId: 2 });
  });

  test('sends a file as what was chosen, and several as an album', async () => {
    const { telegram, page } = await look();
    const file = (name: string) => ({ name, mimeType: 'image/png', buffer: Buffer.from(name) });
    await page.getByLabel('Send the file as').selectOption('photo');
    await page.getByLabel('Attach files').setInputFiles([file('a.png'), file('b.png')]);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByRole('link', { name: 'b.png' }).waitFor();
    const [first, second] = telegram.messages();
    expect(first).toMatchObject({ media: { kind: 'photo' } });
    expect(first!.mediaGroupId).toBe(second!.mediaGroupId);
    await page.getByLabel('Send the file as').selectOption('voice');
    await page.getByLabel('Attach files').setInputFiles(file('c.ogg'));
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByText('voice, 5 bytes').waitFor();
  });

  test('sets failures and rules, and shows the affected requests', async () => {
    const { telegram, page } = await look();
    await say(page, 'a');
    const failure = page.getByRole('combobox', { name: 'Failure' });
    await failure.selectOption('cut after sending: the answer is lost');
    await page.getByRole('button', { name: 'Fail', exact: true }).click();
    await page.getByText('Next: cut stored × 1').waitFor();
    await telegram.api.sendMessage(hana, 'lost').catch(() => null);
    await page.getByText('The next requests work.').waitFor();
    await page.getByText('Requests', { exact: true }).click();
    await page.getByRole('cell', { name: /sent, answer lost/ }).waitFor();
    await page.getByLabel('The token is valid').uncheck();
    await telegram.until(() => telegram.status().token === null, 5_000);
    expect(await refusalOf(telegram.api.getMe())).toBe('401 Unauthorized');
    await page.getByLabel('Privacy mode in groups').uncheck();
    await telegram.until(() => !telegram.status().rules.privacyMode, 5_000);
  });

  test('is not wider than the screen of a phone', async () => {
    const { telegram, page } = await look({ width: 360, height: 740 });
    telegram.say({ userId: hana, text: 'a'.repeat(300) });
    await page.locator('.post').waitFor();
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBe(360);
  });
});

test('the port of the page refuses an invalid action with a reason', async () => {
  const telegram = await openTelegram({ pagePort: 0 });
  const act = async (body: object) => {
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await fetch(`${telegram.pageUrl}do`, init);
    return ((await response.json()) as { problem?: string }).problem;
  };
  expect(await act({ do: 'say', userId: 77, text: 'x' })).toBe('there is no user 77');
  expect(await act({ do: 'say', userId: hana, chatId: 502, text: 'x' })).toContain(
    'is not in chat',
  );
  expect(await act({ do: 'migrate', chatId: hana })).toContain('is no group');
  expect(await act({ do: 'nothing' })).toContain('do');
  expect(await act({ do: 'rules', change: { perSecond: -1 } })).toContain('perSecond');
});
