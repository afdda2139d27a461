/** The view of workers in a real browser over two real workers: who owns what, and a takeover as it happens. */
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { natsCommand } from '#test/events/nats-fixture';
import { launchChromium, openPage, prepareChromium } from '#test/support/chromium';
import { openTestCluster, untilShared, workerIdOf } from '#test/support/cluster';
import { openCore } from '#test/support/core';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

vi.setConfig({ testTimeout: 60_000 });
const executable = prepareChromium();
const isMissing = executable === null || natsCommand === null || postgresMissing() !== null;
let server: PostgresServer;
let browser: Browser;

async function open(url: string, width: number, colorScheme: 'light' | 'dark'): Promise<Page> {
  const page = await openPage(browser, width, colorScheme);
  await page.goto(`${url}/inspect#/workers`);
  return page;
}

async function assertNoFaults(page: Page): Promise<void> {
  await page.evaluate(`globalThis.axe ?? (() => { ${axe.source} })()`);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth > innerWidth')).toBe(false);
}

describe.skipIf(isMissing)('the view of workers', () => {
  beforeAll(async () => {
    browser = await launchChromium(executable!);
    server = await startPostgres();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.remove();
  });

  test('shows who owns what, the arbiters, and a handover and a takeover as they happen', async () => {
    const cluster = await openTestCluster(server);
    const a = await cluster.start();
    const b = await cluster.start();
    await untilShared(cluster, [a, b]);
    const pages = [
      await open(a.core.url, 1280, 'light'),
      await open(a.core.url, 390, 'dark'),
    ] as const;
    const [wide] = pages;
    const ownedBy = async (id: string): Promise<number> =>
      [...(await cluster.owners())].filter(
        ([name, owner]) => name.startsWith('part/') && owner === id,
      ).length;
    for (const page of pages) {
      for (const worker of [a, b]) {
        const id = workerIdOf(worker);
        const cell = page.locator(`tr[data-id="${id}"] [data-label="partitions"]`);
        await expect.poll(() => cell.innerText()).toBe(String(await ownedBy(id)));
      }
      const gates = page.getByRole('table', { name: 'Gates' });
      await gates.getByRole('link', { name: 'small' }).waitFor();
      expect(await gates.locator('[data-label="arbiter"]').allInnerTexts()).not.toContain(
        'unknown',
      );
      await page.getByRole('img', { name: /^Partitions: \d+ of .+, \d+ of / }).waitFor();
      expect(await page.locator('.partition-map rect').count()).toBe(64);
      await page.getByText('All 7', { exact: false }).click();
      await page.getByRole('row', { name: /^part\/63/ }).waitFor();
      if (process.env['GATEHOUSE_LOOK'] !== undefined) {
        const width = page.viewportSize()?.width;
        await page.screenshot({
          path: `${process.env['GATEHOUSE_LOOK']}/workers-${width}.png`,
          fullPage: true,
        });
      }
      await assertNoFaults(page);
    }
    const moved = wide.getByRole('table', { name: 'What has moved' });
    await moved.getByText('has joined').waitFor();
    await moved.getByText('has handed over to').first().waitFor();
    expect(await wide.getByText('does not answer').count()).toBe(0);
    expect(await wide.getByText('unknown').count()).toBe(0);

    const id = workerIdOf(b);
    await b.stop();
    await wide.locator(`tr[data-id="${id}"]`).waitFor({ state: 'detached' });
    await moved.getByText('is gone').waitFor();
    await moved.getByText('has taken over from').first().waitFor();
    await wide.getByRole('img', { name: /^Partitions: 64 of [^,]+$/ }).waitFor();
    for (const page of pages) await page.context().close();
  });

  test('says that a core without a cluster is alone', async () => {
    const alone = await openCore();
    const page = await open(alone.core.url, 1280, 'light');
    await page.getByText('This core is alone').waitFor();
    await assertNoFaults(page);
    await page.context().close();
    await alone.close();
  });
});
