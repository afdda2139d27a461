/**
 * A screenshot of each view. With GATEHOUSE_IMAGES=1 they are written to docs/images; otherwise the tests only check
 * that they are made without an error of the page.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchChromium, prepareChromium } from '#test/support/chromium';
import { scratchFolder } from '#test/support/journal';
import { openInspector, type InspectorFixture } from '../inspector-fixture.ts';
import { busyDrafts } from './busy-drafts.ts';
import { busyGates, busyHour } from './busy-gates.ts';
import { projectRoot } from '#test/support/project-root';

const executable = prepareChromium();
const scratch = scratchFolder();
const isKept = process.env['GATEHOUSE_IMAGES'] === '1';
const folder = isKept ? join(projectRoot, 'docs', 'images') : scratch.path;

let browser: Browser;
let fixture: InspectorFixture;
beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  if (executable !== null) browser = await launchChromium(executable);
});
afterAll(async () => {
  await browser?.close();
  scratch.remove();
});
beforeEach(async () => {
  fixture = await openInspector({ gates: busyGates, drafts: async () => busyDrafts() });
});
afterEach(() => fixture.close());

const questions = [
  '왜 하늘은 파래?',
  '김치찌개 레시피 알려줘',
  'What is a monad?',
  '오늘 날씨 어때?',
];
const answer =
  '햇빛은 공기 분자에 부딪혀 흩어집니다. 파장이 짧은 파란빛이 붉은빛보다 훨씬 더 많이 흩어지기 때문에, 하늘 어디를 보아도 파란빛이 눈에 들어옵니다.';

/** Finished jobs, a failed job, a draft that waits, and a job whose answer is being streamed. */
async function fill(): Promise<{ draft: string; running: string; done: string }> {
  let done = '';
  for (const [index, question] of questions.entries()) {
    done = await fixture.send(question, ['ann', 'bob', 'chul', 'dana'][index]);
    await fixture.finish(done, answer);
  }
  const draft = await fixture.send('내일 오후 3시에 치과 예약 잡아줘', 'bob');
  await fixture.draft(draft);
  const failed = await fixture.send('이 문서 요약해줘', 'chul');
  await fixture.fail(failed, 'classify');
  await fixture.fail(failed, 'answer');
  const running = await fixture.send('노을은 왜 붉게 보이는지 설명해줘', 'ann');
  const decision = { by: 'classifier', action: 'route' };
  await fixture.answer(running, 'classify', { decision, backend: 'small' });
  fixture.hub.text(running, `${answer}\n\n저녁에는 햇빛이 더 긴 공기층을 지나`, false);
  return { draft, running, done };
}

const views: {
  name: string;
  width?: number;
  height?: number;
  scheme?: 'dark';
  hash?: (jobs: Awaited<ReturnType<typeof fill>>) => string;
  act?: (page: Page) => Promise<void>;
}[] = [
  { name: 'live', hash: ({ running }) => `#/jobs/${running}` },
  {
    name: 'replay',
    hash: ({ done }) => `#/jobs/${done}`,
    async act(page) {
      await page.getByRole('tab', { name: 'Step', exact: true }).click();
      await page.getByRole('button', { name: 'One step back' }).click();
    },
  },
  {
    name: 'whole-chart-dark',
    scheme: 'dark',
    hash: ({ draft }) => `#/jobs/${draft}`,
    async act(page) {
      await page.getByRole('button', { name: 'Whole chart' }).click();
      await page.getByRole('tab', { name: 'Sequence' }).click();
    },
  },
  {
    name: 'what-if',
    hash: ({ draft }) => `#/jobs/${draft}`,
    async act(page) {
      await page.getByRole('tab', { name: 'What if' }).click();
      await page.getByLabel('Event').selectOption({ label: 'reject' });
      await page.getByRole('button', { name: 'Send it to a copy' }).click();
      await page.locator('[data-what-if]').waitFor();
    },
  },
  {
    name: 'effects',
    hash: ({ done }) => `#/jobs/${done}`,
    act: (page) => page.getByRole('tab', { name: 'Effects' }).click(),
  },
  { name: 'gates', hash: () => '#/gates', height: 860 },
  { name: 'gates-dark', hash: () => '#/gates', height: 860, scheme: 'dark' },
  { name: 'drafts', hash: () => '#/drafts', height: 760 },
  { name: 'phone-list', width: 390, height: 800 },
  {
    name: 'phone-job',
    width: 390,
    height: 1100,
    scheme: 'dark',
    hash: ({ draft }) => `#/jobs/${draft}`,
  },
];

describe.skipIf(executable === null)('the screenshot', () => {
  test.each(views)(
    'of $name is made without an error of the page',
    async ({ name, width = 1440, height = 900, scheme, hash, act }) => {
      const jobs = await fill();
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: scheme ?? 'light',
        locale: 'en-GB',
        reducedMotion: 'reduce',
      });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.routeWebSocket(/inspect\/ws/, (socket) => {
        const server = socket.connectToServer();
        server.onMessage((text) => {
          const message = JSON.parse(String(text)) as { type: string };
          const isGates = message.type === 'gatehouse.gates';
          socket.send(isGates ? JSON.stringify({ ...message, history: busyHour() }) : text);
        });
      });
      await page.goto(`${fixture.url}/inspect${hash?.(jobs) ?? ''}`);
      await page.getByText('live', { exact: true }).waitFor({ state: 'attached' });
      if (hash?.(jobs).includes('jobs')) await page.locator('.chart .now').first().waitFor();
      await act?.(page);
      const path = join(folder, `inspector-${name}.png`);
      await page.screenshot({ path, animations: 'disabled' });
      expect(statSync(path).size).toBeGreaterThan(10_000);
      expect(complaints).toEqual([]);
      await context.close();
    },
  );
});
