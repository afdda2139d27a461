/**
 * The package of `npm pack`, unpacked into another folder with only its own dependencies beside it: the commands work
 * from there, although Node strips no types under node_modules.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startFakeLlm } from '#test/support/fake-llm';
import { saysJson } from '#test/support/fake-llm-replies';
import { asianPdf } from '#test/channels/inbox/pdf';
import { scratchFolder, until } from '#test/support/journal';
import { projectRoot } from '#test/support/project-root';

/** Build, packing and a cold start on a busy machine. */
const buildMsMax = 120_000;

interface Manifest {
  dependencies: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  bin: { gatehouse: string };
}

let scratch: ReturnType<typeof scratchFolder>;
let installed: string;
let bin: string;
let children: ChildProcess[] = [];
beforeAll(() => {
  scratch = scratchFolder();
  const modules = join(scratch.path, 'node_modules');
  mkdirSync(modules);
  const packed = spawnSync('npm', ['pack', '--pack-destination', scratch.path], {
    cwd: projectRoot,
    encoding: 'utf8',
    timeout: 120_000,
    env: {
      ...process.env,
      PATH: [join(projectRoot, 'node_modules', '.bin'), process.env['PATH']].join(delimiter),
    },
  });
  if (packed.status !== 0) throw new Error(`npm pack: ${packed.stdout}${packed.stderr}`);
  const archive = readdirSync(scratch.path).find((name) => name.endsWith('.tgz'))!;
  spawnSync('tar', ['-xzf', join(scratch.path, archive), '-C', modules], { timeout: 60_000 });
  installed = join(modules, 'gatehouse');
  spawnSync('mv', [join(modules, 'package'), installed], { timeout: 60_000 });
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest;
  bin = join(installed, manifest.bin.gatehouse);
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    const from = join(projectRoot, 'node_modules', name);
    if (!existsSync(from)) continue;
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(from, join(modules, name));
  }
}, buildMsMax);
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => scratch.remove());

interface Ran {
  child: ChildProcess;
  out: string;
  err: string;
  ended: Promise<number | null>;
}

function run(...args: string[]): Ran {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: scratch.path,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const ended = new Promise<number | null>((resolve) => void child.once('close', resolve));
  const ran: Ran = { child, out: '', err: '', ended };
  child.stdout.on('data', (data: Buffer) => (ran.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (ran.err += data.toString()));
  return ran;
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );

describe('the npm package', () => {
  test('contains the program and its documents, but no sources, tests, data or secrets', () => {
    const files = filesIn(installed);
    expect(files).toContain('README.md');
    expect(files).toContain('LICENSE');
    expect(files).toContain('gatehouse.example.yaml');
    expect(files).toContain('dist/src/inspector/page/index.html');
    const strange = files.filter(
      (name) =>
        /^(src|test|bench|data|node_modules)\//.test(name) || /(\.db|\.env|\.log)$/.test(name),
    );
    expect(strange).toEqual([]);
    expect(files.filter((name) => name.startsWith('dist/') && name.endsWith('.ts'))).toEqual([]);
  });

  test('contains the examples and the service files, and packing leaves no build folder behind', () => {
    const files = filesIn(installed);
    expect(files).toContain('examples/subscribe.mjs');
    expect(files).toContain('deploy/install-service.sh');
    expect(files).toContain('deploy/proxy/nginx.conf');
    expect(existsSync(join(projectRoot, 'dist'))).toBe(false);
  });

  test('decides a message with `gatehouse route`', async () => {
    const ran = run('route', '오늘 일정 알려줘');
    expect(await ran.ended, ran.err).toBe(0);
    expect(JSON.parse(ran.out)).toMatchObject({ by: 'rule', tool: 'calendar' });
  });

  test('reads a PDF whose Korean font is not embedded', async () => {
    const file = join(scratch.path, 'quotation.pdf');
    writeFileSync(file, asianPdf('UniKS-UCS2-H', '', Buffer.from('acacc801c11c', 'hex')));
    const reader = pathToFileURL(
      join(installed, 'dist', 'src', 'channels', 'inbox', 'file-text.js'),
    ).href;
    const program = `
      const { createFileReader } = await import('${reader}');
      const { readFileSync } = await import('node:fs');
      const read = await createFileReader()(readFileSync('${file}'), 100, () => {});
      console.log(JSON.stringify(read));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(stdout, stderr).toContain('"text":"견적서"');
  });

  test('starts a core that serves its page and answers a chat', { timeout: 60_000 }, async () => {
    const llm = await startFakeLlm({ reply: saysJson({ action: 'direct', response: '네' }) });
    onTestFinished(() => llm.close());
    writeFileSync(
      join(scratch.path, 'gatehouse.yaml'),
      `server: { port: 0 }\nnats: { mode: "off" }\nlogging: { pretty: false }\nbackends: [{ id: m, baseUrl: "${llm.baseUrl}", model: m }]\n`,
    );
    const core = run('serve');
    await until(() => core.err.includes('gatehouse is ready') || core.child.exitCode !== null);
    const url = /"url":"([^"]+)"/.exec(core.err)?.[1] ?? core.err;
    const page = await fetch(`${url}/inspect`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<html');
    const chart = await fetch(`${url}/inspect/api/charts/job`);
    expect(await chart.text()).toContain('<svg');
    const chat = run('chat', '안녕', '--url', url);
    expect(await chat.ended, chat.err).toBe(0);
    expect(chat.out).toContain('네');
    core.child.kill('SIGTERM');
    expect(await core.ended).toBe(0);
  });
});
