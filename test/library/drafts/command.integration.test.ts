/** `gatehouse drafts` against a real core: its output, in this process and in a child process. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { drafts } from '#cli/drafts';
import { says } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { openDrafts } from './drafts-fixture.ts';
import { projectRoot } from '#test/support/project-root';

async function setUp() {
  const setting = await openDrafts({ drafts: { maxAttempts: 1 } });
  /** Returns what the command prints. `words`: as on the command line. */
  const run = async (...words: string[]): Promise<string> => {
    const printed = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    try {
      const json = words.at(-1) === '--json';
      const options = { userId: undefined, json };
      await drafts(setting.fixture.client, json ? words.slice(0, -1) : words, options);
      return printed.mock.calls.map(([line]) => `${String(line)}\n`).join('');
    } finally {
      printed.mockRestore();
    }
  };
  const start = (...args: string[]) => {
    const bin = join(projectRoot, 'src', 'cli', 'gatehouse.ts');
    const { url } = setting.fixture.core;
    const child = spawn(process.execPath, [bin, 'drafts', ...args, '--url', url], {
      cwd: setting.fixture.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const heard = { out: '', err: '' };
    child.stdout.on('data', (data: Buffer) => (heard.out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (heard.err += data.toString()));
    const code = new Promise<number | null>((resolve) => child.on('close', resolve));
    return { child, heard, code };
  };
  return { ...setting, start, run };
}

const memo = (title: string): string => `${title}\n스무 글자가 넘는 메모의 내용이 여기에 있습니다.`;

test('the command `gatehouse drafts` lists, shows, retries, accepts, pauses and resumes', async () => {
  const { run, promoted, waitForEvent: told, model, document, events } = await setUp();
  expect(await run()).toContain('no drafts');
  const bad = await promoted(memo('FAIL'));
  await told(bad, 'dead');
  const listed = await run();
  expect(listed).toContain(`${bad}  dead      attempts 1  FAIL`);
  expect(listed).toContain('GH_BACKEND_UNAVAILABLE');
  expect(await run('show', bad)).toMatch(/ {2}1 {2}queued {5}reason promoted\n.* {2}2 {2}drafting/);
  expect(JSON.parse(await run('show', bad, '--json'))).toMatchObject({
    state: 'dead',
    events: await events(bad),
  });
  model.script(says('# 됐다'));
  await run('retry', bad);
  await told(bad, 'drafted');
  const waits = await run();
  expect(waits).toContain(`${bad}  yours     drafted 20`);
  expect(waits).toContain('1 wait for your decision');
  const shown = await run('show', bad);
  expect(shown).toContain(`--- memo\n${memo('FAIL')}`);
  expect(shown).toContain('--- draft\n# 됐다');
  expect(shown.trimEnd()).toMatch(/accept .+ reject .+$/);
  expect(await run('accept', bad)).toBe(`accepted ${bad}\n`);
  expect(await document(bad)).toMatchObject({ md_draft_status: 'accepted' });
  await expect(run('reject', bad)).rejects.toThrow('GH_DRAFT_NONE');
  expect(JSON.parse(await run('pause', '--json'))).toEqual({ paused: true });
  expect(await run()).toMatch(/^paused since/);
  await run('resume');
  expect(await run()).not.toMatch(/paused/);
  await expect(run('fly')).rejects.toThrow('drafts takes');
  await expect(run('show', 'nothing')).rejects.toThrow('GH_DRAFT_NOT_FOUND');
});

test('the command `gatehouse drafts watch` prints the progress of the running draft until Ctrl-C', async () => {
  const { start, promoted, model } = await setUp();
  model.script(says('느린 답 '.repeat(1_000), { wordMs: 20 }));
  const id = await promoted(memo('느린 메모'));
  const { child, heard, code } = start('watch');
  const counts = (): number[] =>
    [...heard.out.matchAll(/(\d+) characters written/g)].map(([, chars]) => Number(chars));
  await until(() => new Set(counts()).size >= 2);
  expect(heard.out).toContain(`${id}  drafting  attempt 1`);
  child.kill('SIGINT');
  expect(await code).toBe(0);
});
