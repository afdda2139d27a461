/** The drafts view in a real browser, over a real core whose drafter replies as the text of the memo says. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest';
import { openDrafts, type DraftsFixture } from '#test/library/drafts/drafts-fixture';
import { launchChromium, prepareChromium } from '#test/support/chromium';
import { projectRoot } from '#test/support/project-root';

const executable = prepareChromium();
const memo = '회의 정리: 금요일까지 견적을 보내기로 했다. 담당은 김철수.';
let browser: Browser;
let setting: DraftsFixture;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  if (executable !== null) browser = await launchChromium(executable);
});
afterAll(() => browser?.close());

beforeEach(async () => {
  if (executable === null) return;
  setting = await openDrafts();
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
});
afterEach(async () => {
  await page?.context().close();
});

const look = (): Promise<unknown> => page.goto(`${setting.fixture.core.url}/inspect#/drafts`);
const button = (name: string) => page.getByRole('button', { name, exact: true });

/** With GATEHOUSE_IMAGES=1, writes the screenshot for docs/inspector.md. */
async function picture(): Promise<void> {
  if (process.env['GATEHOUSE_IMAGES'] !== '1') return;
  const path = join(projectRoot, 'docs', 'images', 'inspector-draft.png');
  await page.screenshot({ path, animations: 'disabled' });
}

describe.skipIf(executable === null)('the drafts view', () => {
  test('shows a draft beside its memo, saves a change by a person, and keeps both versions', async () => {
    const id = await setting.promoted(memo);
    await setting.waitForEvent(id, 'drafted');
    await look();
    await page.getByRole('list', { name: 'Drafts to decide' }).getByRole('link').click();
    await page.locator('section[aria-label="Memo"] pre', { hasText: memo }).waitFor();
    const text = page.getByRole('textbox', { name: 'Draft' });
    await expect.poll(() => text.inputValue()).toBe(`# 제목\n\n${memo}`);
    await picture();
    await text.fill('# 견적\n\n금요일까지');
    await button('Keep my changes').click();
    await expect
      .poll(async () => (await setting.document(id))['md_content'])
      .toBe('# 견적\n\n금요일까지');
    await page.locator('summary', { hasText: '1. draft' }).waitFor();
    await page.locator('summary', { hasText: '2. edit' }).waitFor();
    expect((await setting.document(id))['extracted_text']).toBe(memo);
    expect(complaints).toEqual([]);
  });

  test('keeps the typed text when the draft was changed elsewhere meanwhile', async () => {
    const id = await setting.promoted(memo);
    await setting.waitForEvent(id, 'drafted');
    await page.goto(`${setting.fixture.core.url}/inspect#/drafts/${id}/local`);
    const text = page.getByRole('textbox', { name: 'Draft' });
    await page.locator('section[aria-label="Memo"] pre', { hasText: memo }).waitFor();
    expect(await text.inputValue()).not.toBe('');
    await text.fill('# 내가 쓴 것');
    expect(await button('Accept the draft').isDisabled()).toBe(true);
    await setting.call('POST', `/documents/${id}/draft/edit`, {
      md_content: '# 다른 사람이 쓴 것',
    });
    await button('Keep my changes').click();
    await page.locator('.draft-review .problem:not(:empty)').waitFor();
    expect(await text.inputValue()).toBe('# 내가 쓴 것');
    expect((await setting.document(id))['md_content']).toBe('# 다른 사람이 쓴 것');
  });

  test('keeps the typed text when another view is opened, and shows a decision made elsewhere', async () => {
    const id = await setting.promoted(memo);
    await setting.waitForEvent(id, 'drafted');
    await page.goto(`${setting.fixture.core.url}/inspect#/drafts/${id}/local`);
    const text = page.getByRole('textbox', { name: 'Draft' });
    await text.fill('# 내가 쓴 것');
    await page.getByRole('link', { name: 'Gates' }).click();
    await page.getByRole('heading', { name: 'Gates' }).waitFor();
    await page.goBack();
    await page.locator('section[aria-label="Memo"] pre', { hasText: memo }).waitFor();
    expect(await text.inputValue()).toBe('# 내가 쓴 것');
    await setting.call('POST', `/documents/${id}/draft/accept`, {});
    await button('Accept the draft').waitFor({ state: 'detached' });
    await page.locator('details', { hasText: 'not kept' }).getByText('# 내가 쓴 것').waitFor();
  });

  test('hides an open draft with all other texts', async () => {
    const id = await setting.promoted(memo);
    await setting.waitForEvent(id, 'drafted');
    await page.goto(`${setting.fixture.core.url}/inspect#/drafts/${id}/local`);
    await page.locator('section[aria-label="Memo"] pre', { hasText: memo }).waitFor();
    await button('Hide texts').click();
    await page.getByText('Texts are hidden').waitFor();
    expect(await page.content()).not.toContain(memo);
    expect(await page.getByRole('textbox', { name: 'Draft' }).count()).toBe(0);
    await button('Hide texts').click();
    await page.locator('section[aria-label="Memo"] pre', { hasText: memo }).waitFor();
  });

  test('accepts a draft of a shared library with the API key of a person', async () => {
    const apiKeys = ['op', { key: 'kims', user: 'kim' }];
    const shared = await openDrafts({
      server: { port: 0, apiKeys },
      tools: { documents: { provider: 'local', shared: true } },
    });
    const as = (key: string, path: string, body: unknown) =>
      fetch(`${shared.fixture.core.url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}` },
        body: JSON.stringify(body),
      });
    const { id } = (await (await as('kims', '/memos', { text: memo })).json()) as { id: string };
    await as('kims', `/memos/${id}/promote-to-document`, {});
    await shared.waitForEvent(id, 'drafted');
    await page.goto(`${shared.fixture.core.url}/inspect#/drafts`);
    await page.getByLabel('API key').fill('kims');
    await button('Open').click();
    await page.locator(`.drafted a[href*="${id}"]`).click();
    await button('Accept the draft').click();
    await page.locator('.draft-events b', { hasText: 'accepted' }).waitFor();
    const events = await fetch(`${shared.fixture.core.url}/events`, {
      headers: { authorization: 'Bearer kims' },
    });
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
    let heard = '';
    while (!heard.includes('event: accepted')) heard += (await reader.read()).value ?? '';
    await reader.cancel();
  });

  test('accepts a draft, and rejects another draft', async () => {
    const [good, bad] = [
      await setting.promoted(`${memo} 하나`),
      await setting.promoted(`${memo} 둘`),
    ];
    for (const id of [good, bad]) await setting.waitForEvent(id, 'drafted');
    for (const [id, name, status] of [
      [good, 'Accept the draft', 'accepted'],
      [bad, 'Reject the draft', 'rejected'],
    ] as const) {
      await look();
      await page.locator(`.drafted a[href*="${id}"]`).click();
      await button(name).click();
      await page.locator('.draft-events b', { hasText: status }).waitFor();
      await button(name).waitFor({ state: 'detached' });
      await page.getByRole('link', { name: '‹ Drafts' }).click();
    }
    await page.getByText('No draft waits for a decision.').waitFor();
  });

  test('retries a dead draft, and pauses and resumes drafting', async () => {
    await look();
    const id = await setting.promoted(`${memo} FAIL`);
    await setting.waitForEvent(id, 'dead');
    const given = page.getByRole('table', { name: 'Given up' });
    await given.getByText('GH_BACKEND').waitFor();
    await button('Pause').click();
    await button('Resume').waitFor();
    await given.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('table', { name: 'Waiting for a draft' }).getByRole('link').waitFor();
    await button('Resume').click();
    await setting.waitForEvent(id, 'dead');
    await given.getByRole('link').waitFor();
  });
});
