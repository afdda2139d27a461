/** Texts and addresses made to break the page: text directions, stacked marks, broken escapes, deeply nested JSON. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchChromium, prepareChromium } from '#test/support/chromium';
import { busyDrafts } from './busy-drafts.ts';
import { openInspector, type InspectorFixture } from '../inspector-fixture.ts';

const executable = prepareChromium();
let browser: Browser;
let fixture: InspectorFixture;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  if (executable !== null) browser = await launchChromium(executable);
});
afterAll(() => browser?.close());
beforeEach(async () => {
  if (executable === null) return;
  fixture = await openInspector({ drafts: async () => busyDrafts() });
  page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  page.setDefaultTimeout(10_000);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
});
afterEach(async () => {
  expect(complaints).toEqual([]);
  await page?.context().close();
  await fixture?.close();
});

const look = async (hash: string): Promise<void> => {
  await page.goto(`${fixture.url}/inspect${hash}`);
  await page.getByText('live', { exact: true }).waitFor();
};
/** Calls a JavaScript function with the elements. Playwright locators accept no function as a string. */
const ofAll = (selector: string, source: string): Promise<unknown> =>
  page.evaluate(`(${source})([...document.querySelectorAll(${JSON.stringify(selector)})])`);
const isIn = (id: string) => page.locator(`.chart [data-id="${id}"].now`).waitFor();

describe.skipIf(executable === null)('the page', () => {
  test('shows a view for any address, and can open other views from there', async () => {
    for (const [hash, view] of [
      ['#/drafts/%/%', 'Drafts'],
      ['#/drafts/%E0%A4%A/%zz', 'Drafts'],
      ['#/drafts/d1/%', 'Drafts'],
      ['#/drafts/..%2F..%2Fchat/ann', 'Drafts'],
      ['#/jobs/%', 'Jobs'],
      ['#/jobs/%E0%A4%A', 'Jobs'],
      ['#/jobs/..%2F..%2Fhealthz', 'Jobs'],
      [`#/jobs/${'A'.repeat(500)}`, 'Jobs'],
      ['#/constructor', 'Jobs'],
      ['#/__proto__/x', 'Jobs'],
      ['#/toString', 'Jobs'],
      ['#/%6Aobs', 'Jobs'],
      ['#%', 'Jobs'],
      ['#view', 'Jobs'],
    ] as const) {
      // Leaves the document, so that the page starts with this address.
      await page.goto('about:blank');
      await look(hash);
      const link = page.getByRole('link', { name: view, exact: true });
      await link.and(page.locator('[aria-current]')).waitFor();
      await page.getByRole('link', { name: 'Gates' }).click();
      await page.getByRole('heading', { name: 'Gates' }).waitFor();
      await page.getByRole('link', { name: 'Jobs', exact: true }).click();
      await page.getByRole('searchbox', { name: 'Search jobs' }).waitFor();
    }
  }, 90_000);

  test('reports that no job has such an id when the id is impossible', async () => {
    await look(`#/jobs/${'A'.repeat(500)}`);
    await page.locator('.job .problem', { hasText: 'No job has such an id' }).waitFor();
  });

  test('stays in its view after the link "Skip to the content"', async () => {
    await look('#/gates');
    await page.getByRole('heading', { name: 'Gates' }).waitFor();
    await page.getByRole('link', { name: 'Skip to the content' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('view');
    expect(await page.evaluate('location.hash')).toBe('#/gates');
  });

  test('isolates the text direction of messages and user names from the text beside them', async () => {
    const [user, message] = ['\u202Eevil\u2067', 'invoice\u202Etxt.exe \u05D0\u05D1'];
    const jobId = await fixture.send(message, user);
    await look(`#/jobs/${jobId}`);
    await isIn('job.classify.running');
    // A direction mark would put the channel before the user.
    const order = (place: string): Promise<unknown> =>
      ofAll(
        place,
        `([one]) => {
        const name = one.querySelector('bdi');
        const behind = document.createRange();
        behind.selectNodeContents(one);
        behind.setStartAfter(name);
        return behind.getBoundingClientRect().left >= name.getBoundingClientRect().right - 1;
      }`,
      );
    expect(await order('.job-rows .row-user')).toBe(true);
    expect(await order('.job-facts span:has(bdi)')).toBe(true);
    const plain = await ofAll(
      '.row-message, .job-head h2, .said p',
      '(all) => all.map((one) => getComputedStyle(one).unicodeBidi)',
    );
    expect(new Set(plain as string[])).toEqual(new Set(['plaintext']));
    await page.getByRole('tab', { name: 'Context' }).click();
    await page.locator('summary', { hasText: 'Snapshot as JSON' }).click();
    const json = page.locator('.json', { hasText: 'invoice' }).first();
    expect(await json.textContent()).toContain('invoice\\u202etxt.exe');
    expect(await json.textContent()).not.toContain('\u202E');
  });

  test('keeps letters with stacked marks within their line', async () => {
    const marks = String.fromCodePoint(
      ...Array.from({ length: 60 }, (_, index) => 0x300 + (index % 112)),
    );
    const piled = `Z${marks}a${marks}l${marks}go`;
    const jobId = await fixture.send(piled, piled);
    await fixture.finish(jobId, piled);
    await look(`#/jobs/${jobId}`);
    await isIn('job.done');
    const open = await ofAll(
      '.row-message, .row-user bdi, .job-head h2, .job-facts bdi, .said p, .said .who bdi',
      `(all) => all.filter((one) => getComputedStyle(one).overflowY === 'visible').map((one) => one.className)`,
    );
    expect(open).toEqual([]);
    // The row has the height of an ordinary row, within 12 px.
    const plain = await fixture.send('Zalgo', 'bob');
    const height = async (id: string): Promise<number> =>
      (await page.locator(`.job-rows [data-id="${id}"] .row-message`).boundingBox())!.height;
    await page.locator(`.job-rows [data-id="${plain}"]`).waitFor();
    expect(Math.abs((await height(jobId)) - (await height(plain)))).toBeLessThan(12);
  });

  test('refuses a what-if event that is nested too deep with a message, and accepts the next event', async () => {
    const jobId = await fixture.send('왜?');
    await look(`#/jobs/${jobId}`);
    await page.getByRole('tab', { name: 'What if' }).click();
    await page.getByLabel('Event').selectOption({ label: 'cancel' });
    await page.locator('summary', { hasText: 'Change the event' }).click();
    const box = page.getByLabel('As JSON');
    const usual = await box.inputValue();
    const send = page.getByRole('button', { name: 'Send it to a copy' });
    for (const depth of [200, 20_000]) {
      const deep = `{"type":"cancel","by":${'['.repeat(depth)}${']'.repeat(depth)}}`;
      await box.fill(deep);
      await send.click();
      await page.locator('.what-if-answer .problem', { hasText: /nested/ }).waitFor();
    }
    await box.fill(usual);
    await send.click();
    await page.locator('[data-what-if="cancelled"]').waitFor();
  });

  test('shows every error code and name of the drafts in full on a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${fixture.url}/inspect#/drafts`);
    await page.getByText('GH_DRAFT_TRUNCATED').waitFor();
    const found = await ofAll(
      '.drafts-view code, .drafts-view bdi',
      `(all) =>
      all.map((one) => {
        const { left, right } = one.getBoundingClientRect();
        return left >= 0 && right <= innerWidth;
      })`,
    );
    expect(found).not.toContain(false);
    expect(await page.evaluate('document.documentElement.scrollWidth > innerWidth')).toBe(false);
    const button = (await page.getByRole('button', { name: 'Try again' }).boundingBox())!;
    expect(button.x + button.width).toBeLessThanOrEqual(390);
  });
});
