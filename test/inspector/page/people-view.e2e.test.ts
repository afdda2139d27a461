/** The view People in a real browser over a real core: an invite with its QR code, and the browsers that are signed in. */
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { launchChromium, openPage, prepareChromium } from '#test/support/chromium';
import { openCore, type CoreFixture } from '#test/support/core';

vi.setConfig({ testTimeout: 60_000 });
const executable = prepareChromium();
const key = 'operator-key-1';
let browser: Browser;
let fixture: CoreFixture;

beforeAll(async () => {
  if (executable === null) return;
  browser = await launchChromium(executable);
  fixture = await openCore({
    server: { port: 0, apiKeys: [key] },
    persons: [{ id: 'kim', name: '김' }],
  });
});
afterAll(async () => {
  await browser?.close();
  await fixture?.close();
});

/** Signs the browser of the page in, as the chat page does. */
const signIn = (page: Page, body: object): Promise<number> =>
  page.evaluate(
    async (text) => (await fetch('/session', { method: 'POST', body: text })).status,
    JSON.stringify(body),
  );

test.skipIf(executable === null).each([
  [1280, 'light'],
  [390, 'dark'],
] as const)(
  'at %i px, %s, the operator invites a person, whose browser then is in the list until it is ended',
  async (width, colorScheme) => {
    const page = await openPage(browser, width, colorScheme);
    await page.goto(`${fixture.core.url}/inspect#/people`);
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByLabel('Person').fill('nobody');
    await page.getByRole('button', { name: 'Invite' }).click();
    await page.getByRole('alert').filter({ hasText: 'nobody is no person' }).waitFor();
    await page.getByLabel('Person').fill('kim');
    await page.getByRole('button', { name: 'Invite' }).click();
    const image = page.getByRole('img', { name: 'QR code' });
    await image.waitFor();
    expect(await image.evaluate((one: HTMLImageElement) => one.naturalWidth)).toBeGreaterThan(0);
    const code = (await page.locator('.code').textContent())!;
    await page.evaluate(`(() => { ${axe.source} })()`);
    const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
    expect(violations.map(({ id }) => id)).toEqual([]);

    const phone = await openPage(browser, 390, 'light');
    await phone.goto(`${fixture.core.url}/inspect`);
    expect(await signIn(phone, { code })).toBe(200);
    // The code was used: its link asks for another one.
    const late = await openPage(browser, 390, 'dark');
    await late.goto(`${fixture.core.url}/#code=${code}`);
    await late.getByRole('alert').filter({ hasText: 'was used' }).waitFor();
    expect(late.url()).not.toContain(code);
    await late.context().close();
    const row = page.locator('tr', { hasText: '김' });
    await row.waitFor();

    // The inspector takes the cookie: it shows the person, and asks for no key.
    await phone.reload();
    await phone.goto(`${fixture.core.url}/inspect#/people`);
    await phone.getByText('Your other phone').waitFor();
    await phone.locator('#connection', { hasText: 'live' }).waitFor();
    await phone.locator('tr', { hasText: '(here)' }).waitFor();

    await row.getByRole('button', { name: 'End' }).click();
    await row.getByRole('button', { name: 'Sign out?' }).click();
    await row.waitFor({ state: 'detached' });
    await phone.getByLabel('API key').waitFor();
    await page.context().close();
    await phone.context().close();
  },
);

test.skipIf(executable === null)(
  'the link of an invite signs the browser in, and a typed code does',
  async () => {
    const invite = () =>
      fetch(`${fixture.core.url}/invites`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ user_id: 'kim' }),
      }).then((response) => response.json() as Promise<{ url: string; code: string }>);
    const linked = await openPage(browser, 390, 'light');
    const { url } = await invite();
    await linked.goto(url);
    await linked.locator('#connection', { hasText: 'live' }).waitFor();
    expect(linked.url()).not.toContain('code=');

    const typed = await openPage(browser, 390, 'light');
    await typed.goto(fixture.core.url);
    await typed.getByLabel('one-time code').fill((await invite()).code.toLowerCase());
    await typed.getByRole('button', { name: 'Open' }).click();
    await typed.locator('#connection', { hasText: 'live' }).waitFor();
    for (const page of [linked, typed]) await page.context().close();
  },
);
