/** Daily use of the page: finding jobs, opening them, moving the chart, downloading a job. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
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
afterEach(async () => {
  await page.context().close();
  await fixture.close();
  expect(complaints).toEqual([]);
});

async function open(
  options: Parameters<typeof openInspector>[0] = {},
  viewport = { width: 1440, height: 900 },
): Promise<void> {
  fixture = await openInspector(options);
  page = await (await browser.newContext({ viewport })).newPage();
  page.setDefaultTimeout(10_000);
  complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
}

const look = async (hash = ''): Promise<void> => {
  await page.goto(`${fixture.url}/inspect${hash}`);
  await page.getByText('live', { exact: true }).waitFor({ state: 'attached' });
};
const isIn = (id: string) => page.locator(`.chart [data-id="${id}"].now`).waitFor();
const answered = async (message: string, user = 'ann'): Promise<string> => {
  const jobId = await fixture.send(message, user);
  await fixture.finish(jobId, '그래서');
  return jobId;
};
const rows = (): Promise<(string | null)[]> =>
  page.locator('.job-rows li').evaluateAll((all) => all.map((one) => one.getAttribute('data-id')));
/** Polls for up to 15 s: a busy machine is slow. */
const soon = <Value>(look: () => Value | Promise<Value>) => expect.poll(look, { timeout: 15_000 });
/** The label or the text of the focused element. */
const focused = () =>
  page.evaluate<string>(
    '(document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent).trim()',
  );
const focusIs = (what: string | RegExp) =>
  typeof what === 'string' ? soon(focused).toBe(what) : soon(focused).toMatch(what);
const textHidden = (count: number): string => `[${count} characters]`;

describe.skipIf(executable === null)('the list of jobs', () => {
  test('is filtered by outcome, and stays filtered while jobs change', async () => {
    await open();
    const good = await answered('하나');
    const declined = await fixture.send('둘', 'bob');
    await fixture.draft(declined);
    await fixture.jobService.reject(declined, 'user');
    const cancelled = await fixture.send('셋', 'chul');
    await fixture.jobService.cancel(cancelled, 'user');
    const running = await fixture.send('넷', 'dana');
    await look();
    const outcome = page.getByRole('combobox', { name: 'Outcome' });
    for (const [name, ids] of [
      ['answered', [good]],
      ['declined', [declined]],
      ['cancelled', [cancelled]],
      ['failed', []],
    ] as const) {
      await outcome.selectOption(name);
      await soon(rows).toEqual(ids);
    }
    await outcome.selectOption('answered');
    await soon(rows).toEqual([good]);
    await fixture.finish(running, '그래서');
    await soon(rows).toEqual([running, good]);
  });

  test('is filtered by a time span and by a time range', async () => {
    await open();
    const old = await answered('옛날');
    const now = await answered('지금', 'bob');
    const dayMs = 86_400_000;
    const stepBack = fixture.database.connection.prepare(
      'update job set created_at = created_at - ? where id = ?',
    );
    stepBack.run(3 * dayMs, old);
    await look();
    const time = page.getByRole('combobox', { name: 'Time' });
    await time.selectOption('last hour');
    await soon(rows).toEqual([now]);
    await time.selectOption('last 7 days');
    await soon(rows).toEqual([now, old]);
    await time.selectOption('from … to …');
    const local = (ms: number): Promise<string> =>
      page.evaluate(
        `(() => { const at = new Date(${ms}); at.setMinutes(at.getMinutes() - at.getTimezoneOffset()); return at.toISOString().slice(0, 16); })()`,
      );
    await page.getByLabel('From').fill(await local(Date.now() - 4 * dayMs));
    await soon(rows).toEqual([now, old]);
    await page.getByLabel('To', { exact: true }).fill(await local(Date.now() - 2 * dayMs));
    await soon(rows).toEqual([old]);
  });

  test('shows whether a job waits in the job queue or in the gate queue', async () => {
    await open({ queueOf: () => ({ position: 2, ahead: 1, etaMs: null }) });
    const jobId = await fixture.send('왜?');
    await look();
    await page.locator('.job-rows').getByText('gate queue, place 2').waitFor();
    await fixture.jobService.submit({ message: '또 왜?', user_id: 'ann' });
    await page.reload();
    await page.locator('.job-rows').getByText('job queue, place 2').waitFor();
    await look(`#/jobs/${jobId}`);
    await page.locator('.job-head').getByText('gate queue, place 2').waitFor();
  });

  test.each([390, 1440])('shows the age and the user of a job in full at %i px', async (width) => {
    await open({}, { width, height: 900 });
    await fixture.send('왜?', `${'long-name-'.repeat(12)}@example.org`);
    await fixture.send('왜?', 'n'.repeat(256));
    await look();
    await page.locator('.job-rows li').nth(1).waitFor();
    const cut = await page.evaluate(`[...document.querySelectorAll('.row-user, .row-facts time')]
      .filter((one) => {
        const { left, right } = one.getBoundingClientRect();
        const isLonger = one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1;
        return left < 0 || right > innerWidth || isLonger;
      })
      .map((one) => one.textContent)`);
    expect(cut).toEqual([]);
  });

  test('marks an undelivered reply, and a failure is shown with its error detail', async () => {
    await open();
    await look();
    /** Calls a function with functions of the page's modules. */
    const withModules = (source: string): Promise<unknown> =>
      page.evaluate(`Promise.all(['ui', 'job-row', 'conversation-panel'].map((name) =>
        import('/inspect/assets/' + name + '.js'))).then(
          ([{ built }, { rowOf }, { conversation }]) => ${source})`);
    const marks = await withModules(`['dead', 'uncertain', null].map((delivery) => built(rowOf({
        job_id: 'j', user_id: 'ann', channel: 'synology', message: 'm', state: 'done',
        outcome: 'answered', created_at: new Date().toISOString(), queue: null, delivery,
      }, '1 s', false, false)).querySelector('.pill.bad')?.textContent ?? null)`);
    expect(marks).toEqual(['not delivered', 'delivery uncertain', null]);
    const said = await withModules(`built(conversation(
        { input: { userId: 'ann', message: 'm' }, createdAt: 0 },
        [{ at: 1, emitted: [{ type: 'error', data: {
          error_reason: 'http_4xx', message: 'Sorry', error_detail: 'large, 404: no such model',
        } }] }], '')).textContent`);
    expect(said).toContain('Sorry (large, 404: no such model)');
  });

  test('is one tab stop, and arrow keys move through its rows', async () => {
    await open();
    const ids = [await answered('하나'), await answered('둘', 'bob'), await answered('셋', 'chul')];
    await look();
    await soon(rows).toEqual(ids.toReversed());
    await page.getByRole('textbox', { name: 'User', exact: true }).focus();
    await page.keyboard.press('Tab');
    await focusIs(/^셋/);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await focusIs(/^하나/);
    await page.keyboard.press('Home');
    await focusIs(/^셋/);
    await page.keyboard.press('Tab');
    await focusIs('Send as user');
  });
});

describe.skipIf(executable === null)('an opened view', () => {
  test('of a job has the focus, and the tab key reaches Play and then the tabs', async () => {
    await open();
    for (let n = 0; n < 20; n += 1) await fixture.send(`질문 ${n}`, `u${n}`);
    const jobId = await answered('왜 하늘은 파래?');
    await look();
    await page.locator(`[data-id="${jobId}"] a`).focus();
    await page.keyboard.press('Enter');
    await isIn('job.done');
    await focusIs(/^‹ Jobs왜 하늘은 파래/);
    const reached: string[] = [];
    for (let press = 0; press < 20; press += 1) {
      await page.keyboard.press('Tab');
      reached.push(await focused());
    }
    expect(reached).toContain('Play from the start');
    expect(reached.indexOf('Conversation')).toBeGreaterThan(reached.indexOf('Play from the start'));
  });

  test('of a job on a phone returns the focus to its row when it is closed', async () => {
    await open({}, { width: 390, height: 844 });
    const jobId = await answered('왜?');
    await fixture.send('다른 것', 'bob');
    await look(`#/jobs/${jobId}`);
    await isIn('job.done');
    await page.getByRole('link', { name: '‹ Jobs' }).click();
    await focusIs(/^왜\?/);
  });

  test('has the focus, but the message box keeps it when a message is sent', async () => {
    await open({ drafts: async () => busyDrafts() });
    await look();
    for (const name of ['Gates', 'Drafts', 'Stately']) {
      await page.getByRole('link', { name, exact: true }).click();
      await focusIs(name);
    }
    await page.getByRole('link', { name: 'Jobs', exact: true }).click();
    const box = page.getByRole('textbox', { name: 'Message' });
    await box.fill('왜?');
    await box.press('Enter');
    await isIn('job.classify.running');
    await focusIs('Message');
  });

  test('sets the title of the window', async () => {
    await open({ drafts: async () => busyDrafts() });
    const jobId = await fixture.send('비밀 이야기');
    const title = (): Promise<string> => page.title();
    await look();
    await soon(title).toBe('Jobs · Gatehouse inspector');
    await look(`#/jobs/${jobId}`);
    await soon(title).toBe(`Job ${jobId.slice(-6)}, classify · Gatehouse inspector`);
    await fixture.finish(jobId, '그래서');
    await soon(title).toBe(`Job ${jobId.slice(-6)}, answered · Gatehouse inspector`);
    for (const [hash, name] of [
      ['gates', 'Gates'],
      ['drafts', 'Drafts'],
      ['stately', 'Other actors'],
    ]) {
      await look(`#/${hash}`);
      await soon(title).toBe(`${name} · Gatehouse inspector`);
    }
  });
});

describe.skipIf(executable === null)('the view of a job', () => {
  test('sends an ended job again, also when texts are hidden', async () => {
    await open();
    const jobId = await answered('왜 하늘은 파래?', 'bob');
    await look(`#/jobs/${jobId}`);
    await page.getByRole('button', { name: 'Hide texts' }).click();
    await page.getByRole('heading', { name: textHidden(9) }).waitFor();
    await page.getByRole('button', { name: 'Send again' }).click();
    await isIn('job.classify.running');
    const { jobs } = await fixture.jobService.list({});
    expect(jobs.map(({ message, user_id }) => [message, user_id])).toEqual([
      ['왜 하늘은 파래?', 'bob'],
      ['왜 하늘은 파래?', 'bob'],
    ]);
  });

  test('downloads the job with every step, and without texts when they are hidden', async () => {
    await open();
    const jobId = await answered('왜 하늘은 파래?');
    await look(`#/jobs/${jobId}`);
    await isIn('job.done');
    const file = async () => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Download' }).click(),
      ]);
      expect(download.suggestedFilename()).toBe(`gatehouse-job-${jobId}.json`);
      const text = readFileSync(await download.path(), 'utf8');
      return JSON.parse(text) as { frames: { n: number }[]; job: { input: { message: string } } };
    };
    const whole = await file();
    expect(whole.frames.map(({ n }) => n)).toEqual([1, 2, 3, 4]);
    expect(whole.job.input.message).toBe('왜 하늘은 파래?');
    await page.getByRole('button', { name: 'Hide texts' }).click();
    await page.getByRole('heading', { name: textHidden(9) }).waitFor();
    await isIn('job.done');
    expect(JSON.stringify(await file())).not.toContain('하늘');
  });

  test('is opened from the card of the job at the gate', async () => {
    let [jobId, heldMs] = ['', 1];
    const ticket = { kind: 'reason', priority: 'foreground', phase: 'running' };
    const view = (job: string) => ({
      id: 'large',
      kind: 'generic',
      model: 'm',
      roles: [],
      healthy: true,
      error_reason: null,
      load: 'normal',
      load_word: { ko: '보통', en: 'normal' },
      gate: {
        state: 'running',
        circuit: 'closed',
        concurrency: 1,
        running: [{ ...ticket, held_ms: heldMs, user: 'ann', job_id: job }],
        waiting: [],
        service_ms: {},
        counters: { grants: 3, preemptions: 0, overtakes: 0 },
      },
    });
    await open({ gates: () => [view(jobId)] });
    jobId = await fixture.send('왜?');
    await look('#/gates');
    const card = page.getByRole('list', { name: 'Running now' }).getByRole('link');
    await card.focus();
    // The card is updated every second and must keep the focus.
    heldMs = 7_000;
    await page.locator('.ticket', { hasText: 'for 7.0 s' }).waitFor();
    await focusIs('reason');
    await page
      .locator('.ticket')
      .first()
      .click({ position: { x: 100, y: 40 } });
    await isIn('job.classify.running');
  });
});

describe.skipIf(executable === null)('the chart', () => {
  const width = (): Promise<number> =>
    page.locator('svg.chart').evaluate((chart) => chart.getBoundingClientRect().width);
  const place = () =>
    page.locator('.chart-scroller').evaluate((one) => [one.scrollLeft, one.scrollTop]);

  test('is zoomed by buttons, keys and the mouse wheel, and is fitted to the view', async () => {
    await open();
    await look(`#/jobs/${await fixture.send('왜?')}`);
    await isIn('job.classify.running');
    const natural = await width();
    await page.getByRole('button', { name: 'Zoom in' }).click();
    expect(await width()).toBeCloseTo(natural * 1.25, 0);
    await page.getByRole('button', { name: 'Original size' }).click();
    expect(await width()).toBeCloseTo(natural, 0);
    const chart = page.getByRole('region', { name: 'Statechart' });
    await chart.press('-');
    expect(await width()).toBeCloseTo(natural / 1.25, 0);
    await chart.press('+');
    await chart.hover();
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -150);
    await page.keyboard.up('Control');
    await soon(width).toBeGreaterThan(natural * 1.3);
    await page.getByRole('button', { name: 'Whole chart' }).click();
    const box = (await chart.boundingBox())!;
    expect(await width()).toBeLessThanOrEqual(box.width);
    await page.getByRole('button', { name: 'Zoom in' }).click();
    expect(await width()).toBeLessThan(natural);
  });

  test('keeps the point under the pointer in place while it is zoomed, and is dragged with the mouse', async () => {
    await open();
    await look(`#/jobs/${await fixture.send('왜?')}`);
    await isIn('job.classify.running');
    const node = page.locator('.chart [data-id="job.classify.running"]');
    const middle = async (): Promise<[number, number]> => {
      const { x, y, width: w, height: h } = (await node.boundingBox())!;
      return [x + w / 2, y + h / 2];
    };
    const [x, y] = await middle();
    await page.mouse.move(x, y);
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -150);
    await page.keyboard.up('Control');
    await soon(width).toBeGreaterThan(2_000);
    const [nowX, nowY] = await middle();
    expect(Math.hypot(nowX - x, nowY - y)).toBeLessThan(3);
    const [left, top] = (await place()) as [number, number];
    await page.mouse.down();
    await page.mouse.move(x - 60, y - 40, { steps: 4 });
    await page.mouse.up();
    expect(await place()).toEqual([left + 60, top + 40]);
  });

  test('has a strip with the path taken and its times, and each entry opens its step', async () => {
    await open();
    await look(`#/jobs/${await answered('왜?')}`);
    await isIn('job.done');
    const strip = page.getByRole('list', { name: 'Path taken' }).getByRole('button');
    const names = () => strip.locator('b').allTextContents();
    expect(await names()).toEqual([
      'ack',
      'classify / running',
      'route',
      'reason / running',
      'done',
    ]);
    for (const time of await strip.locator('span').allTextContents())
      expect(time).toMatch(/^(passed|\d+ ms|[\d.]+ s)$/);
    await strip.nth(1).click();
    await isIn('job.classify.running');
    expect(await names()).toEqual(['ack', 'classify / running']);
    await focusIs(/^classify \/ running/);
    await page.locator('.chart [data-edge="job.ack→job.classify:done"].taken').waitFor();
  });

  test('keeps the chosen view after a reload', async () => {
    await open();
    const jobId = await answered('왜?');
    await look(`#/jobs/${jobId}`);
    await isIn('job.done');
    await page.getByRole('button', { name: 'Compact' }).click();
    await page.locator('svg.chart').waitFor();
    await page.reload();
    await page.locator('svg.chart .now').first().waitFor();
  });

  test('shows no negative time after the clock was set back', async () => {
    await open();
    const jobId = await answered('왜?');
    fixture.database.connection.prepare('update journal set at = at - 60000 where n = 3').run();
    await look(`#/jobs/${jobId}`);
    await isIn('job.done');
    const times = await page.locator('.path-strip span').allTextContents();
    expect(times.filter((time) => time.includes('-'))).toEqual([]);
  });
});
