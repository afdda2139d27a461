/**
 * The output in a real terminal (a pty of `script`), with the practice model. With GATEHOUSE_IMAGES=1 a picture of it
 * is written to docs/images; else only the output is checked.
 */
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { launchChromium, prepareChromium } from '#test/support/chromium';
import { openCore, type CoreFixture } from '#test/support/core';
import { projectRoot } from '#test/support/project-root';

const executable = prepareChromium();
const isKept = process.env['GATEHOUSE_IMAGES'] === '1';

let fixture: CoreFixture;
beforeEach(async () => {
  fixture = await openCore({ backends: [], roles: {} }, { discoveryPorts: [] });
});
afterEach(() => fixture.close());

/** The output of the command to its terminal. */
function typed(...args: string[]): Promise<string> {
  const words = [process.execPath, join(projectRoot, 'src/cli/gatehouse.ts'), ...args];
  const command = [...words, '--url', fixture.core.url].map((word) => `'${word}'`).join(' ');
  return run('script', ['-qec', command, '/dev/null']);
}

async function run(program: string, args: string[]): Promise<string> {
  const env = {
    ...process.env,
    TERM: 'xterm-256color',
    FORCE_COLOR: undefined,
    NO_COLOR: undefined,
    // With CI set, Node assumes a terminal without colours.
    CI: undefined,
  };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  await new Promise((resolve) => child.once('close', resolve));
  return text;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The commands use only one attribute: dim. */
const markup = (text: string): string =>
  escaped(text.replaceAll('\r', ''))
    .replaceAll('\u001b[2m', '<span class="dim">')
    .replaceAll('\u001b[22m', '</span>');

const style = `body { margin: 0 } pre { display: inline-block; margin: 0; padding: 18px 22px; max-width: 900px;
  white-space: pre-wrap; background: #16181d; color: #e8e6e3; font: 14px/1.5 'DejaVu Sans Mono', 'Noto Sans CJK KR', monospace }
  .dim { color: #8d939e } .prompt { color: #7fb069 }`;

const hasScript = (() => {
  try {
    execFileSync('script', ['--version'], { timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(executable === null || !hasScript)('the output of chat in a terminal', () => {
  test('has the stages dimmed and the answer in plain text', async () => {
    const question = '안녕, 넌 누구야?';
    const chat = await typed('chat', question);
    expect(chat).toContain('\u001b[2m→ classify');
    expect(chat).toContain('연습용 모델');
    const ask = await typed('chat', '이번 주 일정 알려줘');
    const jobs = await typed('jobs');
    if (!isKept) return;
    const shown = [
      [`chat "${question}"`, chat],
      ['chat "이번 주 일정 알려줘"', ask],
      ['jobs', jobs],
    ].map(
      ([command, text]) =>
        `<span class="prompt">$</span> npx gatehouse ${escaped(command!)}\n${markup(text!)}`,
    );
    const browser = await launchChromium(executable!);
    const page = await browser.newPage({ viewport: { width: 960, height: 400 } });
    await page.setContent(`<style>${style}</style><pre>${shown.join('\n').trimEnd()}</pre>`);
    const path = join(projectRoot, 'docs/images/terminal.png');
    await page.locator('pre').screenshot({ path });
    await browser.close();
  });
});
