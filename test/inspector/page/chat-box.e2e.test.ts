/** The chat box of the page over a whole core, in a real browser: a yes goes to the draft on the page. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { launchChromium, prepareChromium } from '#test/support/chromium';
import { openCore, type CoreFixture } from '#test/support/core';
import { saysJson } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

const executable = prepareChromium();
let browser: Browser;
beforeAll(async () => {
  if (executable !== null) browser = await launchChromium(executable);
});
afterAll(() => browser?.close());

async function drafted({ small, client }: CoreFixture, title: string): Promise<string> {
  const params = { title, date: '2031-03-05', time: '15:00' };
  small.script(saysJson({ action: 'tools', tool: 'calendar', operation: 'create_draft', params }));
  const jobId = await client.submit({ message: `2031년 3월 5일 3시에 ${title} 잡아줘` });
  await until(async () => (await client.job(jobId)).state === 'confirm-draft');
  return jobId;
}

describe.skipIf(executable === null)('the chat box', () => {
  test('confirms the draft on the page, not a newer draft, and no draft when the page shows none', async () => {
    const fixture = await openCore();
    onTestFinished(() => fixture.close());
    const { client, small, core } = fixture;
    const shown = await drafted(fixture, '치과');
    const newer = await drafted(fixture, '미용실');
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const say = async (message: string): Promise<void> => {
      await page.getByRole('textbox', { name: 'Message' }).fill(message);
      await page.getByRole('button', { name: 'Send', exact: true }).click();
    };

    await page.goto(`${core.url}/inspect#/jobs`);
    await page.getByText('live', { exact: true }).waitFor();
    small.script(saysJson({ action: 'direct', response: '무엇을요?' }));
    await say('네');
    await page.getByText('무엇을요?').first().waitFor();
    expect((await client.job(newer)).state).toBe('confirm-draft');

    await page.goto(`${core.url}/inspect#/jobs/${shown}`);
    await page.getByRole('button', { name: 'Confirm the draft' }).waitFor();
    await say('네');
    await until(async () => (await client.job(shown)).outcome === 'answered');
    expect((await client.job(newer)).state).toBe('confirm-draft');
  });
});
