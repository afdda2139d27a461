/** `gatehouse ask` and `gatehouse doctor` as child processes. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startFakeEmbeddings } from '#test/support/fake-embeddings';
import { calls, fails, says } from '#test/support/fake-llm-replies';
import { openAsk, type AskSetting } from './setting.ts';
import { projectRoot } from '#test/support/project-root';

const bin = join(projectRoot, 'src', 'cli', 'gatehouse.ts');

let setting: AskSetting;
beforeEach(async () => {
  setting = await openAsk();
});
afterEach(() => setting.close());

function run(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: setting.fixture.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ran = { out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => (ran.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (ran.err += data.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...ran })));
}

const askThere = (...args: string[]) => run('ask', '--url', setting.fixture.core.url, ...args);

describe('gatehouse ask', () => {
  test('prints the answer to standard output and its sources to standard error', async () => {
    const id = await setting.bring('보일러 설명서', '보일러 보증은 2027년까지');
    setting.fixture.large.script(says('2027년 [1]'));
    expect(await askThere('보일러', '보증')).toEqual({
      code: 0,
      out: '2027년 [1]\n',
      err: `[1] 보일러 설명서  ${id}\n`,
    });
  });

  test('with --react uses the ask loop, and with --json prints the response of the core', async () => {
    await setting.bring('보일러 설명서', '보일러 보증은 2027년까지');
    setting.fixture.large.script(calls(['search', '{"query":"보일러"}']), says('2027년 [1]'));
    const { code, out } = await askThere('--react', '--json', '보일러 보증?');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ answer: '2027년 [1]', llm_calls: 2, partial: false });
  });

  test('reports a backend that is down or unknown by its error code, and exits with 1', async () => {
    setting.fixture.large.script(fails(500));
    const down = await askThere('--react', '보일러');
    expect([down.code, down.err]).toEqual([1, expect.stringContaining('GH_BACKEND_UNAVAILABLE')]);
    const unknown = await askThere('--backend', 'gpt', '보일러');
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('GH_BACKEND_UNKNOWN')]);
  });

  test('without a question exits with 2', async () => {
    expect((await askThere()).code).toBe(2);
  });
});

describe('gatehouse doctor', () => {
  test('reports an embedding server that is down, with advice', async () => {
    const embeddings = await startFakeEmbeddings();
    const config = join(setting.fixture.folder, 'doctor.yaml');
    writeFileSync(
      config,
      `server: { port: 1 }\nnats: { mode: "off" }\ndatabase: ./doctor.db\nsearch: { embeddings: { baseUrl: "${embeddings.baseUrl}", model: bag } }\n`,
    );
    const there = await run('doctor', '--config', config, '--json');
    await embeddings.refuse();
    const away = await run('doctor', '--config', config, '--json');
    const searchOf = (out: string) =>
      (JSON.parse(out) as { part: string; ok: boolean; what: string }[]).filter(
        ({ part }) => part === 'search',
      );
    expect(searchOf(there.out)).toMatchObject([
      { ok: true },
      { ok: true, what: expect.stringContaining('64 numbers') },
    ]);
    expect(searchOf(away.out)[1]).toMatchObject({
      ok: false,
      what: expect.stringContaining('connect_refused'),
      advice: expect.stringContaining('by their words only'),
    });
  });
});
