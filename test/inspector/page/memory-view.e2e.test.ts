/** The view of the memory in a real browser over a real core: facts, adding one, and forgetting one for good. */
import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { launchChromium, openPage, prepareChromium } from '#test/support/chromium';
import { openCore, type CoreFixture } from '#test/support/core';

vi.setConfig({ testTimeout: 60_000 });
const executable = prepareChromium();
let browser: Browser;
let fixture: CoreFixture;

beforeAll(async () => {
  if (executable === null) return;
  browser = await launchChromium(executable);
  fixture = await openCore();
});
afterAll(async () => {
  await browser?.close();
  await fixture?.close();
});

test.skipIf(executable === null).each([
  [1280, 'light'],
  [390, 'dark'],
] as const)(
  'at %i px, %s, a person adds a fact, hides texts, and forgets one',
  async (width, colorScheme) => {
    const said = `<b>내 차</b> 번호는 12가 ${width}`;
    await fixture.ask(`기억해: 내 우산은 파란색 ${width}`, { user_id: 'ann' });
    const page = await openPage(browser, width, colorScheme);
    await page.goto(`${fixture.core.url}/inspect#/memory`);
    await page.getByRole('rowheader', { name: `내 우산은 파란색 ${width}` }).waitFor();
    await page.getByLabel('Remember').fill(said);
    await page.getByRole('button', { name: 'Add' }).click();
    const row = page.locator('tr', { hasText: said });
    await row.waitFor();
    await page.evaluate(`(() => { ${axe.source} })()`);
    const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
    expect(violations.map(({ id }) => id)).toEqual([]);

    await page.locator('#hide-texts').click();
    await expect.poll(() => page.locator('.memory-view').textContent()).not.toContain('우산');
    await page.locator('#hide-texts').click();
    await row.waitFor();

    await row.getByRole('button', { name: 'Forget' }).click();
    await row.getByRole('button', { name: 'For good?' }).click();
    await row.waitFor({ state: 'detached' });
    const { facts } = (await (await fetch(`${fixture.core.url}/memory`)).json()) as {
      facts: { text: string }[];
    };
    expect(JSON.stringify(facts)).not.toContain('내 차');
    await page.context().close();
  },
);
