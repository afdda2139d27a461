/** The page in a real browser under faults: a lost connection or answer, a wrong key, a busy core. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchChromium, prepareChromium } from '#test/support/chromium';
import { openInspector, type InspectorFixture } from '../inspector-fixture.ts';

const executable = prepareChromium();
let browser: Browser;
let fixture: InspectorFixture;
let page: Page;

beforeAll(async () => {
  if (executable !== null) browser = await launchChromium(executable);
});
afterAll(() => browser?.close());
beforeEach(async () => {
  if (executable === null) return;
  page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(10_000);
});
afterEach(async () => {
  await page?.context().close();
  await fixture?.close();
});

const look = (hash = ''): Promise<unknown> => page.goto(`${fixture.url}/inspect${hash}`);
const live = () => page.getByText('live', { exact: true }).waitFor();
/** For a busy machine. */
const patience = { timeout: 20_000 };
const drawn = () =>
  page.evaluate('new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))');
const rows = () => page.locator('.job-rows li');
const jobs = (): unknown => fixture.database.connection.prepare('select id from job').all().length;
const answered = async (message: string, reply: string): Promise<string> => {
  const jobId = await fixture.send(message);
  await fixture.finish(jobId, reply);
  return jobId;
};

describe.skipIf(executable === null)('the page under faults', () => {
  beforeEach(async () => {
    fixture = await openInspector();
  });

  test('lists all jobs that were submitted while the connection was lost', async () => {
    await fixture.send('first');
    await look();
    await live();
    await rows().first().waitFor();
    fixture.cut();
    await page.getByText('connection lost').waitFor();
    for (let n = 0; n < 110; n += 1)
      await fixture.jobService.submit({ message: `${n}`, user_id: `u${n}` });
    fixture.restore();
    const more = page.getByRole('button', { name: 'Older jobs' });
    for (const count of [50, 100]) {
      await expect.poll(() => rows().count(), patience).toBe(count);
      await more.click();
    }
    await expect.poll(() => rows().count(), patience).toBe(111);
    await more.waitFor({ state: 'hidden' });
  }, 60_000);

  test('creates one job for a message that is sent again after its answer was lost', async () => {
    await page.route(
      '**/chat',
      async (route) => {
        await route.fetch();
        await route.abort('connectionreset');
      },
      { times: 1 },
    );
    await look();
    await live();
    const box = page.getByRole('textbox', { name: 'Message' });
    await box.fill('내일 3시 치과');
    await box.press('Enter');
    await expect.poll(() => box.inputValue(), patience).toBe('내일 3시 치과');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByRole('heading', { name: '내일 3시 치과' }).waitFor();
    expect(jobs()).toBe(1);
  });

  test('shows nothing of another job for an unknown job id, and loads a failed chart again', async () => {
    await page.route('**/api/charts/**', (route) => route.abort('connectionreset'));
    const jobId = await answered('왜?', '그래서');
    await look(`#/jobs/${jobId}`);
    await page.locator('#tab-panel', { hasText: '그래서' }).waitFor();
    await page.getByText('The core cannot be reached').waitFor();
    await page.evaluate("location.hash = '#/jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV'");
    await page.getByText('GH_JOB_NOT_FOUND').waitFor();
    expect(await page.locator('#tab-panel').textContent()).toBe('');
    expect(await page.locator('.chart-view').isVisible()).toBe(false);
    await page.unroute('**/api/charts/**');
    await page.evaluate(`location.hash = '#/jobs/${jobId}'`);
    await page.locator('.chart [data-id="job.done"].now').waitFor();
  });

  test('applies a filter during constant events, and sends no search for events outside the filter', async () => {
    await fixture.send('one', 'ann');
    await fixture.send('two', 'bob');
    await page.clock.install();
    await look();
    await page.evaluate(`import('/inspect/assets/job-list.js').then(({ JobList }) => {
      globalThis.list = new JobList();
      document.body.replaceChildren(list.element);
      list.refresh();
    })`);
    await rows().nth(1).waitFor();
    let asked = 0;
    page.on('request', (one) => void (asked += Number(one.url().includes('user_id'))));
    const hear = async (user: string): Promise<void> => {
      const event = { job_id: `0-${user}`, type: 'state', state: 'route', seq: 2, user_id: user };
      await page.evaluate(`list.take([${JSON.stringify(event)}], false)`);
      await page.clock.runFor(100);
    };
    await page.getByLabel('User', { exact: true }).fill('bob');
    for (let n = 0; n < 8; n += 1) await hear('bob');
    await page.clock.runFor(1_000);
    await expect
      .poll(() => page.locator('.row-user').allTextContents(), patience)
      .toEqual(['bob · http']);
    // A search that runs during the events of bob may be followed by another search.
    const newSearches = async (): Promise<number> => {
      const was = asked;
      await page.clock.runFor(1_000);
      await page.waitForLoadState('networkidle');
      return asked - was;
    };
    await expect.poll(newSearches, patience).toBe(0);
    const before = asked;
    for (let n = 0; n < 8; n += 1) await hear('eve');
    await page.clock.runFor(1_000);
    expect([before > 0, asked - before]).toEqual([true, 0]);
  });

  test('keeps opened parts and the focus when it is redrawn', async () => {
    const tokens: string[] = [];
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        if (String(payload).includes('gatehouse.token')) tokens.push(String(payload));
      }),
    );
    const jobId = await fixture.send('왜?');
    const decision = { by: 'classifier', action: 'route' };
    await fixture.answer(jobId, 'classify', { decision, backend: 'small' });
    await look(`#/jobs/${jobId}`);
    await page.getByRole('tab', { name: 'Step', exact: true }).click();
    await page.locator('.step summary').first().click();
    fixture.hub.text(jobId, '그', false);
    await expect.poll(() => tokens.length, patience).toBeGreaterThan(0);
    await drawn();
    expect(await page.locator('.step details[open]').count()).toBe(1);
    await page.getByRole('tab', { name: 'History' }).click();
    const first = page.getByRole('button', { name: '1', exact: true });
    await first.press('Enter');
    await page.locator('button[aria-current="step"]', { hasText: /^1$/ }).waitFor();
    expect(await first.evaluate((one) => one === one.ownerDocument.activeElement)).toBe(true);
  });

  test('draws 200 of 500 actors, and a snapshot only when it is opened', async () => {
    await look();
    await page.evaluate(`import('/inspect/assets/stately-view.js').then(({ StatelyView }) => {
      const view = new StatelyView();
      document.body.replaceChildren(view.element);
      for (let n = 0; n < 500; n += 1) {
        const status = n < 450 ? 'active' : 'done';
        const snapshot = { status, value: 'on', context: { n } };
        view.take({ peer: 1, message: { type: '@xstate.actor', sessionId: 'x:' + n, snapshot } });
      }
    })`);
    await drawn();
    expect(await page.locator('.guests > li').count()).toBe(200);
    expect(await page.locator('.guests pre').count()).toBe(0);
    const running = page.locator('[data-actor="1/x:449"]');
    await running.locator('summary').click();
    await running.locator('pre', { hasText: '449' }).waitFor();
  });
});

describe.skipIf(executable === null)('the page of a core with API keys', () => {
  beforeEach(async () => {
    fixture = await openInspector({ apiKeys: ['geheim'] });
  });
  const give = async (key: string): Promise<void> => {
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Open' }).click();
  };

  test('accepts a key with a trailing blank, and sends no request for a key with invalid characters', async () => {
    let asked = 0;
    page.on('request', (one) => void (asked += Number(one.url().includes('/api/'))));
    await look();
    await page.getByLabel('API key').waitFor();
    // Whether the browser is signed in by a cookie.
    expect(asked).toBe(1);
    await give('키한글');
    await page.getByText('not known here').waitFor();
    expect(asked).toBe(1);
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
    await page.route('**/api/session', (route) => route.abort('connectionreset'), { times: 1 });
    await give('geheim ');
    await page.locator('.sign-in .problem:not(:empty)').waitFor();
    await page.getByRole('button', { name: 'Open' }).click();
    await live();
  });

  test('asks for another key when its key is withdrawn, and then continues', async () => {
    const jobId = await answered('왜?', '그래서');
    await look(`#/jobs/${jobId}`);
    await give('geheim');
    await live();
    fixture.cut();
    await page.getByText('connection lost').waitFor();
    await page.route('**/api/session', (route) => route.fulfill({ status: 401, json: {} }));
    fixture.restore();
    await page.getByText('not taken any more').waitFor();
    expect(await page.getByText('그래서').count()).toBe(0);
    expect(await page.evaluate("sessionStorage.getItem('gatehouse-key')")).toBe(null);
    await page.unroute('**/api/session');
    await give('geheim');
    await live();
    await page.locator('#tab-panel', { hasText: '그래서' }).waitFor();
  });
});
