/** The view of schedules in a real browser over a real core: what is next, its buttons, and the runs with their jobs. */
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { launchChromium, openPage, prepareChromium } from '#test/support/chromium';
import { openCore, type CoreFixture } from '#test/support/core';
import { reminder } from '#test/support/schedules';

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

async function open(width: number, colorScheme: 'light' | 'dark'): Promise<Page> {
  const page = await openPage(browser, width, colorScheme);
  await page.goto(`${fixture.core.url}/inspect#/schedules`);
  return page;
}
const make = (text: string, rule = { cron: '*/30 * * * *' }) =>
  fixture.core.schedules.schedules.create(reminder({ text, rule, channel: 'http', thread: null }));
const picture = async (page: Page, name: string): Promise<void> => {
  const folder = process.env['GATEHOUSE_LOOK'];
  if (folder !== undefined)
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
};

test.skipIf(executable === null).each([
  [1280, 'light'],
  [390, 'dark'],
] as const)(
  'at %i px, %s, a person pauses, resumes, runs and deletes a schedule, and opens the job of a run',
  async (width, colorScheme) => {
    const { id } = await make('약 먹기');
    await make('매일 아침 아주 긴 이름의 알림'.repeat(4), { cron: '0 9 * * *' });
    const page = await open(width, colorScheme);
    const row = page.locator(`tr[data-id="${id}"]`);
    const state = async () => (await fixture.core.schedules.schedules.get(id)).state;
    const press = (name: string) => row.getByRole('button', { name, exact: true }).first().click();
    await page.getByRole('img', { name: /due within 24 hours/ }).waitFor();
    await press('Pause');
    await page
      .getByRole('table', { name: 'Paused' })
      .getByRole('link', { name: '약 먹기' })
      .waitFor();
    expect(await state()).toBe('paused');
    await picture(page, `schedules-${width}`);
    await page.getByRole('button', { name: 'Hide texts' }).click();
    await row.getByRole('link', { name: '[4 characters]' }).waitFor();
    await page.getByRole('button', { name: 'Hide texts' }).click();
    await press('Resume');
    await row.getByRole('button', { name: 'Pause' }).waitFor();
    expect(await state()).toBe('active');
    await press('Run now');
    await expect
      .poll(async () => (await fixture.core.schedules.schedules.history(id, 5)).length)
      .toBe(1);
    await page.evaluate(`(() => { ${axe.source} })()`);
    const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
    expect(violations.map(({ id: fault, nodes }) => [fault, nodes[0]?.html])).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth > innerWidth')).toBe(false);

    await row.getByRole('link', { name: '약 먹기' }).click();
    const runs = page.getByRole('table', { name: 'Runs' });
    await runs.getByText('manual').waitFor();
    await picture(page, `schedule-runs-${width}`);
    await runs.getByRole('link').click();
    await expect.poll(() => page.url()).toContain('#/jobs/');
    await page.goBack();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    expect(await state()).toBe('active');
    await page.getByRole('button', { name: 'Really delete' }).click();
    await expect.poll(state).toBe('cancelled');
    await page.context().close();
  },
);
