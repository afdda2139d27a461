/**
 * A real Chromium for the tests of the inspector's page: that of the distribution, with a new profile for each launch
 * and without connections to the internet.
 */
import { chromium, type Browser, type Page } from 'playwright-core';
import { findProgram, prepareProgram } from './debian-package.ts';

const program = 'chromium';

/** The path of Chromium; null if there is none, with the reason printed. */
export function prepareChromium(): string | null {
  const problem = prepareProgram(program, [program, 'fonts-noto-cjk', 'fonts-noto-color-emoji']);
  if (problem === null) return findProgram(program);
  console.warn(`the tests of the inspector's page are skipped: ${problem}`);
  return null;
}

/** Playwright gives each launch a new, empty profile folder. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page of a new profile, without animations. Its actions fail after 10 s. */
export async function openPage(
  browser: Browser,
  width: number,
  colorScheme: 'light' | 'dark',
): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  return page;
}
