/** The page in a real browser, used as a person uses it: by visible texts and accessible names. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { InspectorOptions } from '#inspector/server/inspector-context';
import { launchChromium, prepareChromium } from '#test/support/chromium';
import { until } from '#test/support/journal';
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
beforeEach(() => open());
afterEach(async () => {
  await page?.context().close();
  await fixture?.close();
});

async function open(options: Partial<InspectorOptions> = {}, width = 1440): Promise<void> {
  if (executable === null) return;
  fixture = await openInspector(options);
  const context = await browser.newContext({ viewport: { width, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
}

async function reopen(options: Partial<InspectorOptions>, width?: number): Promise<void> {
  await page.context().close();
  await fixture.close();
  await open(options, width);
}

const look = (hash = ''): Promise<unknown> => page.goto(`${fixture.url}/inspect${hash}`);
const live = () => page.getByText('live', { exact: true }).waitFor();
/** Waits until the chart marks this state as the current state of the job. */
const isIn = (id: string) => page.locator(`.chart [data-id="${id}"].now`).waitFor();
const isReplayed = () => page.locator('[data-check="ok"]').waitFor();
const slider = () => page.getByRole('slider', { name: 'Step of the journal' });
const stepsShown = async (): Promise<string[]> => {
  await page.getByRole('tab', { name: 'History' }).click();
  return page.locator('table[aria-label="Steps of the journal"] tbody button').allTextContents();
};

describe.skipIf(executable === null)('the page', () => {
  test('shows the states of a sent message on the chart, streams its answer, and ends with a check mark', async () => {
    await look();
    await live();
    await page.getByRole('textbox', { name: 'Message' }).fill('왜 하늘은 파래?');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await isIn('job.classify.running');
    const jobId = fixture.started[0]!.jobId;
    const decision = { by: 'classifier', action: 'route' };
    await fixture.answer(jobId, 'classify', { decision, backend: 'small' });
    await isIn('job.reason.running');
    await page.locator('.chart [data-edge="job.route→job.reason:always"].taken').waitFor();
    await page.locator('.chart [data-edge="job.route→job.tools:always"].off').waitFor();
    fixture.hub.text(jobId, '빛이 ', false);
    fixture.hub.text(jobId, '흩어져서', false);
    await page.getByText('빛이 흩어져서').waitFor();
    await fixture.answer(jobId, 'reason', { text: '빛이 흩어져서 그렇습니다', backend: 'large' });
    await isIn('job.done');
    await isReplayed();
    await page.getByText('빛이 흩어져서 그렇습니다').waitFor();
    await page.locator('.job-rows .pill', { hasText: 'answered' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('replays a finished job by keyboard and mouse, and shows the event of a step', async () => {
    const jobId = await fixture.send('왜?');
    await fixture.finish(jobId, '그래서');
    await look();
    await page.getByRole('link', { name: '왜?' }).click();
    await isIn('job.done');
    await page.getByRole('tab', { name: 'Step', exact: true }).click();
    await slider().press('Home');
    await isIn('job.ack');
    await page.getByRole('heading', { name: '1. message accepted' }).waitFor();
    await slider().press('ArrowRight');
    await isIn('job.classify.running');
    await page.getByRole('row', { name: /^now .*2026-11-18/ }).waitFor();
    const box = (await slider().boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.34, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.67, box.y + box.height / 2, { steps: 5 });
    await page.mouse.up();
    await isIn('job.reason.running');
    await page.getByRole('button', { name: 'Latest step' }).click();
    await isIn('job.done');
  });

  test('reports that a job whose stored rows were changed does not replay', async () => {
    const jobId = await fixture.send('왜?');
    await fixture.finish(jobId, '그래서');
    fixture.database.connection.prepare("update job set reply = 'another'").run();
    await look(`#/jobs/${jobId}`);
    await page.getByText('does not replay: reply').waitFor();
  });

  test('cancels a running job', async () => {
    const jobId = await fixture.send('왜?');
    await look(`#/jobs/${jobId}`);
    await isIn('job.classify.running');
    await page.getByRole('button', { name: 'Cancel the job' }).click();
    await isIn('job.cancelled');
    await page.getByRole('button', { name: 'Cancel the job' }).waitFor({ state: 'detached' });
    expect((await fixture.jobService.get(jobId)).state).toBe('cancelled');
  });

  test('confirms a draft on a double click, and the write is started once', async () => {
    const jobId = await fixture.send('내일 3시 치과');
    await fixture.draft(jobId);
    await look(`#/jobs/${jobId}`);
    await page.locator('.job-rows .row-waits').getByText('waits for yes or no').waitFor();
    await page.getByRole('button', { name: 'Confirm the draft' }).dblclick();
    await isIn('job.confirm-draft.executing');
    const written = { ok: true, tool: 'calendar', operation: 'create_confirmed', data: null };
    await fixture.answer(jobId, 'execute', { ...written, summary: '등록했습니다', error: null });
    await isIn('job.done');
    await isReplayed();
    expect(fixture.everStarted.filter((key) => key.includes(':execute:'))).toHaveLength(1);
  });

  test('rejects a draft', async () => {
    const jobId = await fixture.send('내일 3시 치과');
    await fixture.draft(jobId);
    await look(`#/jobs/${jobId}`);
    await page.getByRole('button', { name: 'Reject the draft' }).click();
    await isIn('job.done');
    expect((await fixture.jobService.get(jobId)).outcome).toBe('declined');
  });

  test('shows the same job after a reload, with every step once', async () => {
    const jobId = await fixture.send('왜?');
    await look(`#/jobs/${jobId}`);
    await isIn('job.classify.running');
    fixture.hub.text(jobId, '그러니까', false);
    await page.reload();
    await isIn('job.classify.running');
    await page.getByText('그러니까').waitFor();
    await fixture.finish(jobId, '그래서');
    await isIn('job.done');
    expect(await stepsShown()).toEqual(['1', '2', '3', '4']);
  });

  test('reconnects after a lost connection, without a missing or repeated step', async () => {
    const jobId = await fixture.send('왜?');
    await look(`#/jobs/${jobId}`);
    await isIn('job.classify.running');
    fixture.cut();
    await page.getByText('connection lost').waitFor();
    await fixture.finish(jobId, '그래서');
    const other = await fixture.send('그동안 온 질문', 'bob');
    fixture.restore();
    await live();
    await isIn('job.done');
    await isReplayed();
    expect(await stepsShown()).toEqual(['1', '2', '3', '4']);
    await page.locator(`.job-rows [data-id="${other}"]`).waitFor();
    const ids = await page
      .locator('.job-rows li')
      .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id')));
    expect(ids).toEqual([other, jobId]);
  });

  test('shows the next state of a copy in "What if", and the job stays in its state', async () => {
    const jobId = await fixture.send('왜?');
    await look(`#/jobs/${jobId}`);
    await page.getByRole('tab', { name: 'What if' }).click();
    await page.getByLabel('Event').selectOption({ label: 'classify done (route)' });
    await page.getByRole('button', { name: 'Send it to a copy' }).click();
    await page.locator('[data-what-if="reason / running"]').waitFor();
    expect((await fixture.jobService.get(jobId)).state).toBe('classify');
    await isIn('job.classify.running');
  });

  test('shows HTML in a message as text', async () => {
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    const jobId = await fixture.send(evil);
    await fixture.finish(jobId, evil);
    await look(`#/jobs/${jobId}`);
    await isIn('job.done');
    for (const name of ['Step', 'Sequence', 'Context', 'Effects']) {
      await page.getByRole('tab', { name, exact: true }).click();
    }
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).toMatch(/^Job \w{6}, answered · Gatehouse inspector$/);
    expect(await page.getByRole('heading', { level: 2 }).textContent()).toBe(evil);
    expect(complaints).toEqual([]);
  });

  test('has no texts in it after "Hide texts"', async () => {
    const jobId = await fixture.send('비밀스러운 질문');
    await look(`#/jobs/${jobId}`);
    await page.getByRole('heading', { name: '비밀스러운 질문' }).waitFor();
    await page.getByRole('button', { name: 'Hide texts' }).click();
    await page.getByRole('heading', { name: '[8 characters]' }).waitFor();
    await until(async () => !(await page.content()).includes('비밀'));
  });

  test('finds jobs by words, by state and by id', async () => {
    const first = await fixture.send('바다는 왜 짜?', 'ann');
    await fixture.finish(first, '소금 때문에');
    const second = await fixture.send('하늘은 왜 파래?', 'bob');
    await look();
    const rows = page.locator('.job-rows li');
    await rows.nth(1).waitFor();
    await page.getByRole('searchbox', { name: 'Search jobs' }).fill('소금');
    await until(async () => (await rows.count()) === 1);
    expect(await rows.first().getAttribute('data-id')).toBe(first);
    await page.getByRole('searchbox', { name: 'Search jobs' }).fill(second.toLowerCase());
    await until(
      async () =>
        (await rows
          .first()
          .getAttribute('data-id')
          .catch(() => '')) === second,
    );
    await page.getByRole('searchbox', { name: 'Search jobs' }).fill('');
    await page.getByRole('combobox', { name: 'State' }).selectOption('done');
    await until(
      async () =>
        (await rows
          .first()
          .getAttribute('data-id')
          .catch(() => '')) === first,
    );
  });

  test('draws the gates with the users whose requests run and wait', async () => {
    await look('#/gates');
    await page.getByRole('list', { name: 'Running now' }).getByText('ann').waitFor();
    await page.getByRole('list', { name: 'Waiting, next first' }).getByText('bob').waitFor();
    await page.getByRole('img', { name: /Load over the last hour/ }).waitFor();
  });

  test('asks for an API key, reports a wrong key, and works with the right key', async () => {
    await reopen({ apiKeys: ['geheim'] });
    await look();
    await page.getByLabel('API key').fill('falsch');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('not known here').waitFor();
    await page.getByLabel('API key').fill('geheim');
    await page.getByRole('button', { name: 'Open' }).click();
    await live();
    await page.getByRole('textbox', { name: 'Message' }).fill('왜?');
    await page.getByRole('textbox', { name: 'Message' }).press('Enter');
    await isIn('job.classify.running');
  });

  test('is not wider than the screen of a phone, and links back to the list', async () => {
    await reopen({}, 390);
    const jobId = await fixture.send('왜 하늘은 파란데 노을은 붉을까?');
    await look();
    const isWide = () => page.evaluate('document.documentElement.scrollWidth > innerWidth');
    await page.getByRole('link', { name: /노을/ }).click();
    await isIn('job.classify.running');
    expect(await isWide()).toBe(false);
    await fixture.finish(jobId, '그래서');
    for (const tab of await page.getByRole('tab').all()) {
      await tab.click();
      expect(await isWide()).toBe(false);
    }
    await page.getByRole('link', { name: '‹ Jobs' }).click();
    await page.getByRole('searchbox', { name: 'Search jobs' }).waitFor();
    await page.getByRole('link', { name: 'Gates' }).click();
    await page.getByRole('list', { name: 'Running now' }).waitFor();
    expect(await isWide()).toBe(false);
  });

  test('has an accessible name for every control, and the tab key reaches a job', async () => {
    const jobId = await fixture.send('왜?');
    await look(`#/jobs/${jobId}`);
    await isIn('job.classify.running');
    for (const tab of ['Conversation', 'What if']) {
      await page.getByRole('tab', { name: tab }).click();
      const tree = await page.locator('body').ariaSnapshot();
      const nameless = tree
        .split('\n')
        .filter((line) =>
          /- (button|link|textbox|combobox|slider|searchbox|tab)(:| \[|$)/.test(line),
        );
      expect(nameless).toEqual([]);
    }
    const reached = async (): Promise<boolean> =>
      page
        .evaluate('document.activeElement.getAttribute("href")')
        .then((href) => String(href).startsWith('#/jobs/0'));
    await page.getByRole('searchbox', { name: 'Search jobs' }).focus();
    for (let press = 0; press < 6 && !(await reached()); press += 1)
      await page.keyboard.press('Tab');
    expect(await reached()).toBe(true);
  });

  test('shows the actors of another program that opens it as its inspector', async () => {
    await look('#/stately');
    await live();
    const [popup] = await Promise.all([
      page.waitForEvent('popup'),
      page.evaluate(`
        addEventListener('message', ({ data, source }) => {
          if (data.type !== '@statelyai.connected') return;
          const base = { sessionId: 'x:0', rootId: 'x:0', createdAt: '1', _version: '0.7.2' };
          source.postMessage({ ...base, type: '@xstate.actor', name: 'lamp', snapshot: { value: 'off' } });
          source.postMessage({ ...base, type: '@xstate.snapshot', snapshot: { value: 'on' } });
        });
        window.open(location.origin + '/inspect#/stately', 'xstateinspector');
      `),
    ]);
    await popup.getByRole('heading', { name: 'lamp on' }).waitFor();
  });
});
