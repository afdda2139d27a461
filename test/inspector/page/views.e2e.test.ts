/** Every view of the page at two widths, light and dark: checked by axe-core, and nothing wider than the screen. */
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { jobMachine } from '#machines/job';
import { chartOf } from '#inspector/charts/chart-model';
import { launchChromium, prepareChromium } from '#test/support/chromium';
import { busyDrafts } from './busy-drafts.ts';
import { busyGates } from './busy-gates.ts';
import { openInspector, type InspectorFixture } from '../inspector-fixture.ts';

const executable = prepareChromium();
let browser: Browser;
let fixture: InspectorFixture;
let jobs: Record<'done' | 'draft' | 'running' | 'failed', string>;

beforeAll(async () => {
  if (executable === null) return;
  browser = await launchChromium(executable);
  fixture = await openInspector({ gates: busyGates, drafts: async () => busyDrafts() });
  const done = await fixture.send('왜 하늘은 파래?', `ann-${'n'.repeat(80)}`);
  await fixture.finish(done, '빛이 흩어져서');
  const failed = await fixture.send('이 문서 요약해줘', 'chul');
  await fixture.fail(failed, 'classify');
  await fixture.fail(failed, 'answer');
  const draft = await fixture.send('내일 3시 치과', 'bob');
  await fixture.draft(draft);
  const running = await fixture.send('What is a monad?', 'dana');
  const decision = { by: 'classifier', action: 'route' };
  await fixture.answer(running, 'classify', { decision, backend: 'small' });
  jobs = { done, draft, running, failed };
});
afterAll(async () => {
  await browser?.close();
  await fixture?.close();
});

/** Measurements of the compact view. */
interface Found {
  /** The smallest font size, in px. */
  smallest: number;
  isCut: boolean;
  isWide: boolean;
  states: string[];
  ways: number;
}

/** The violations that axe-core finds in the page or in a part of it, as rule and place. */
async function faultsOf(page: Page, part = 'html'): Promise<string[]> {
  await page.evaluate(`globalThis.axe ?? (() => { ${axe.source} })()`);
  const { violations } = await page.evaluate<axe.AxeResults>(
    `axe.run(${JSON.stringify(part)}, { resultTypes: ['violations'] })`,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary = '' }) => `${id} ${target.join(' ')}: ${failureSummary}`),
  );
}

/** axe-core checks every element, which is slow on a busy machine. */
vi.setConfig({ testTimeout: 90_000 });
const isWide = 'document.documentElement.scrollWidth > innerWidth';
const tabs = ['Conversation', 'Step', 'History', 'Effects', 'Sequence', 'Context', 'What if'];
const sizes = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];
const looks = sizes.flatMap((viewport) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ viewport, colorScheme })),
);

describe.skipIf(executable === null).each(looks)(
  'the page at $viewport.width px, $colorScheme',
  ({ viewport, colorScheme }) => {
    let page: Page;
    const complaints: string[] = [];

    beforeAll(async () => {
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
      page = await context.newPage();
      page.setDefaultTimeout(15_000);
      page.on('pageerror', (error) => complaints.push(error.message));
      // One page for all views: to load it takes longer than to check a view.
      await page.goto(`${fixture.url}/inspect`);
      await page.getByText('live', { exact: true }).waitFor({ state: 'attached' });
    });
    afterAll(() => page.context().close());

    /** Opens a view as a link does, without a new load of the page. */
    async function look(hash: string): Promise<void> {
      await page.goto(`${fixture.url}/inspect${hash}`);
      await page.getByText('live', { exact: true }).waitFor({ state: 'attached' });
    }

    test.each([
      ['list of jobs', '#/jobs', '.job-rows li'],
      ['gates', '#/gates', '.ticket'],
      ['drafts', '#/drafts', '.drafted li'],
      ['actors of other programs', '#/stately', '.stately-view h2'],
    ])(
      'has no fault that axe-core finds, and no horizontal scrolling, in the view: %s',
      async (_name, hash, sign) => {
        await look(hash);
        await page.locator(sign).first().waitFor();
        expect(await faultsOf(page)).toEqual([]);
        expect(await page.evaluate(isWide)).toBe(false);
        expect(complaints.splice(0)).toEqual([]);
      },
    );

    test.each(['done', 'draft', 'running', 'failed'] as const)(
      'has no fault that axe-core finds in any panel or chart view of a job: %s',
      async (name) => {
        await look(`#/jobs/${jobs[name]}`);
        await page.locator('.chart .now').first().waitFor();
        expect(await faultsOf(page)).toEqual([]);
        for (const tab of tabs) {
          await page.getByRole('tab', { name: tab, exact: true }).click();
          await page.evaluate(
            "document.querySelectorAll('.panel details').forEach((one) => { one.open = true; })",
          );
          expect(await faultsOf(page, '.tabs, .panel'), tab).toEqual([]);
          expect(await page.evaluate(isWide), tab).toBe(false);
        }
        for (const view of ['Whole chart', 'Compact']) {
          await page.getByRole('button', { name: view }).click();
          expect(await faultsOf(page, '.chart-view'), view).toEqual([]);
        }
        expect(complaints.splice(0)).toEqual([]);
      },
      180_000,
    );

    test('shows the whole job machine in the compact view, readable and without horizontal scrolling', async () => {
      await look(`#/jobs/${jobs.running}`);
      await page.locator('.chart .now').first().waitFor();
      const compact = page.getByRole('button', { name: 'Compact' });
      if ((await compact.getAttribute('aria-pressed')) === 'false') await compact.click();
      await page.locator('.compact-chart .now').first().waitFor();
      const found = await page.evaluate<Found>(`(() => {
          const scroller = document.querySelector('.chart-scroller');
          const parts = [...scroller.querySelectorAll('*')].filter((one) =>
            [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''));
          const outer = scroller.getBoundingClientRect();
          return {
            smallest: Math.min(...parts.map((one) => parseFloat(getComputedStyle(one).fontSize))),
            isCut: parts.some((one) => {
              const { left, right } = one.getBoundingClientRect();
              return left < outer.left || right > outer.right + 1 || one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0;
            }),
            isWide: scroller.scrollWidth > scroller.clientWidth,
            states: [...scroller.querySelectorAll('[data-id]')].map((one) => one.dataset.id),
            ways: [...scroller.querySelectorAll('[data-edge]')].length,
          };
        })()`);
      const chart = chartOf(jobMachine);
      expect(found.smallest).toBeGreaterThanOrEqual(9);
      expect([found.isCut, found.isWide]).toEqual([false, false]);
      const ids = chart.nodes.flatMap(({ id, children }) => [id, ...children.map((one) => one.id)]);
      expect(found.states.toSorted()).toEqual(ids.toSorted());
      expect(found.ways).toBe(chart.edges.length);
      expect(complaints.splice(0)).toEqual([]);
    });
  },
);
