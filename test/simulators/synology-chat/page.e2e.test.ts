/** The page of the fake NAS in a real browser. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, prepareChromium } from '#test/support/chromium';
import {
  openNas,
  openReceiver,
  postPayload,
  type TestNas,
  type WebhookReceiver,
} from './fake-dsm-fixture.ts';

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

interface Setting {
  nas: TestNas;
  bridge: WebhookReceiver;
  page: Page;
}

async function look(size = { width: 1280, height: 900 }): Promise<Setting> {
  const bridge = await openReceiver();
  const nas = await openNas({ bridgeUrl: bridge.url, pagePort: 0 });
  const context = await browser.newContext({ viewport: size });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(nas.pageUrl!);
  await page.getByText('live', { exact: true }).waitFor();
  return { nas, bridge, page };
}

const posts = (page: Page) => page.getByRole('log', { name: 'Posts' });

const actions = [
  { type: 'button', name: 'draft', value: 'yes', text: '확인', style: 'green' },
  { type: 'button', name: 'draft', value: 'no', text: '취소', style: 'red' },
];

describe.skipIf(executable === null)('the page of the fake NAS', () => {
  test('sends a typed message, shows the posted reply, and sends a click on its button', async () => {
    const { nas, bridge, page } = await look();
    const message = page.getByRole('textbox', { name: 'Message' });
    await message.fill('내일 오후 3시 회의');
    await message.press('Enter');
    await page.getByText('the bridge answered 200').waitFor();
    expect(bridge.posts()[0]!.get('text')).toBe('내일 오후 3시 회의');
    expect(await message.inputValue()).toBe('');

    await postPayload(nas.apiUrl(), {
      text: '이렇게 만들까요?\n<https://example.org/a?b=1|자세히> <script>alert(1)</script>',
      user_ids: [4],
      attachments: [{ callback_id: 'draft:1', text: '회의', actions }],
    });
    const link = page.getByRole('link', { name: '자세히' });
    expect(await link.getAttribute('href')).toBe('https://example.org/a?b=1');
    await posts(page).getByText('<script>alert(1)</script>').waitFor();
    bridge.answer(() => ({ body: JSON.stringify({ text: '만들었습니다' }) }));
    await page.getByRole('button', { name: '확인' }).click();
    await posts(page).getByText('만들었습니다').waitFor();
    const click = JSON.parse(bridge.posts()[1]!.get('payload')!) as { actions: unknown[] };
    expect(click.actions).toEqual([actions[0]]);
    expect(complaints).toEqual([]);
  });

  test('shows each user only their own conversation with the bot, and channels to all users', async () => {
    const { nas, page } = await look();
    await postPayload(nas.apiUrl(), { text: '하나에게만', user_ids: [4] });
    await posts(page).getByText('하나에게만').waitFor();
    await page.getByLabel('You are').selectOption('5');
    await posts(page).getByText('하나에게만').waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: '# Lab' }).click();
    await page.getByRole('textbox', { name: 'Message' }).fill('모두에게');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await posts(page).getByText('모두에게').waitFor();
    await page.getByLabel('You are').selectOption('4');
    await posts(page).getByText('모두에게').waitFor();
    expect(nas.posts().at(-1)).toMatchObject({ conversationId: 2, author: { userId: 5 } });
  });

  test('shows that the NAS has stopped sending, and resumes sending when the URL is saved again', async () => {
    const { nas, bridge, page } = await look();
    bridge.answer(() => ({ status: 405 }));
    nas.say({ userId: 4, text: 'one' });
    await page.getByText('Failed to send a request to the bot server: 405 to HEAD').waitFor();
    nas.say({ userId: 4, text: 'two' });
    bridge.answer(() => ({}));
    await page.getByRole('button', { name: 'Save the URL again' }).click();
    await nas.until(() => nas.sulking().length === 0, 5_000);
    await page.getByText('It has stopped sending').waitFor({ state: 'hidden' });
    await page.locator('.post', { hasText: 'two' }).getByText('Send again').click();
    await page.getByText('Sent again → Gatehouse: the bridge answered 200').waitFor();
    expect(bridge.posts()[0]!.get('text')).toBe('two');
  });

  test('sends an attached file', async () => {
    const { nas, page } = await look();
    const buffer = Buffer.from('# 메모');
    await page
      .getByLabel('Attach a file')
      .setInputFiles({ name: '메모.md', mimeType: 'text/markdown', buffer });
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByRole('link', { name: '메모.md' }).waitFor();
    expect(nas.posts()[0]!.file).toMatchObject({ name: '메모.md', content: buffer });
  });

  test('sets failures and rules, and shows the affected requests', async () => {
    const { nas, page } = await look();
    const failure = page.getByRole('combobox', { name: 'Failure' });
    await failure.selectOption('cut after posting: the answer is lost');
    await page.getByRole('button', { name: 'Fail', exact: true }).click();
    await page.getByText('Next: cut stored × 1').waitFor();
    await postPayload(nas.apiUrl(), { text: 'lost', user_ids: [4] }).catch(() => null);
    await page.getByText('The next requests work.').waitFor();
    await page.getByText('Requests', { exact: true }).click();
    await page.getByRole('cell', { name: /posted, answer lost/ }).waitFor();
    await page.getByLabel('Takes a token without quotes').check();
    await page.getByLabel('Chat is running').uncheck();
    await nas.until(() => !nas.state().isPackageRunning, 5_000);
    expect(nas.state().rules.acceptsBareToken).toBe(true);
    await page.getByRole('textbox', { name: 'Message' }).fill('hello');
    await page.getByRole('textbox', { name: 'Message' }).press('Enter');
    await page.getByRole('alert').getByText('Chat is stopped').waitFor();
  });

  test('is not wider than the screen of a phone', async () => {
    const { nas, page } = await look({ width: 360, height: 740 });
    nas.say({ userId: 4, text: 'a'.repeat(300) });
    await page.locator('.post').waitFor();
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBe(360);
  });
});

describe('the port of the page', () => {
  const say = JSON.stringify({ do: 'say', userId: 4, text: 'x' });
  const json = { 'content-type': 'application/json' };

  test.each([
    ['another site', { ...json, origin: 'https://example.org' }, 403],
    ['a form', { 'content-type': 'text/plain' }, 400],
    ['the page', json, 200],
  ])('answers a request of %s with status %s', async (_title, headers, status) => {
    const nas = await openNas({ pagePort: 0 });
    const response = await fetch(`${nas.pageUrl}do`, { method: 'POST', headers, body: say });
    await response.text();
    expect(response.status).toBe(status);
    expect(nas.posts()).toHaveLength(status === 200 ? 1 : 0);
  });

  test('refuses an invalid action with a reason, and sends a strict Content-Security-Policy', async () => {
    const nas = await openNas({ pagePort: 0 });
    const act = async (body: object) => {
      const init = { method: 'POST', headers: json, body: JSON.stringify(body) };
      const response = await fetch(`${nas.pageUrl}do`, init);
      return ((await response.json()) as { problem?: string }).problem;
    };
    expect(await act({ do: 'say', userId: 77, text: 'x' })).toBe('there is no user 77');
    expect(await act({ do: 'nothing' })).toContain('do');
    expect(await act({ do: 'rules', change: { duplicateRate: 2 } })).toContain('duplicateRate');
    const response = await fetch(nas.pageUrl!);
    await response.text();
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  });
});
