/**
 * Every command of README and of the first sections of docs/ runs unchanged, in a clean home and a fresh copy of the
 * project.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { scratchFolder } from '#test/support/journal';
import { natsCommand } from '#test/events/nats-fixture';
import { projectRoot } from '#test/support/project-root';

/** Blocks that are not run here, with the reason. */
const leftOut: Record<string, string> = {
  'npm ci && npm test': 'this test is a part of it',
  'npm run chaos -- --minutes 30 --seed 1\nnpm run chaos -- --messages 2000 --users 20 --only kills,broker\nnpm run chaos -- --minutes 3 --seed 1 --workers 3':
    'it takes half an hour',
  'sudo sh "$(npm root --global)/gatehouse/deploy/install-service.sh" systemd':
    'it changes the machine; deploy-scripts.e2e.test.ts runs the script',
  'sh deploy/docker/prepare.sh     # makes .env and deploy/docker/*.yaml, with new passwords; then fill in .env\ndocker compose up -d\ndocker compose exec core gatehouse chat "안녕"':
    'it needs an engine for containers; containers.e2e.test.ts and deploy-scripts.e2e.test.ts check the files',
};

/** A network namespace of its own, in which the ports of the pages are free. */
const canIsolate =
  spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { timeout: 20_000 }).status ===
  0;

/** The tracked files and the packages, as after `git clone` and `npm ci`. */
function freshCopy(folder: string): void {
  const { stdout } = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: projectRoot,
    encoding: 'utf8',
    timeout: 20_000,
  });
  for (const name of stdout.split('\0').filter((one) => one !== '')) {
    cpSync(join(projectRoot, name), join(folder, name), { recursive: true, force: true });
  }
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));
}

test.skipIf(!canIsolate || natsCommand === null)(
  'every command of README and of the first sections of docs/ runs unchanged (needs unshare --net, ip, nats-server)',
  { timeout: 300_000 },
  async () => {
    const scratch = scratchFolder();
    onTestFinished(() => scratch.remove());
    const [home, project, bin] = ['home', 'gatehouse', 'bin'].map((name) => {
      const folder = join(scratch.path, name);
      mkdirSync(folder);
      return folder;
    }) as [string, string, string];
    freshCopy(project);
    // The packages are installed: `npm ci` would download them again, and there is no network.
    const npm = spawnSync('sh', ['-c', 'command -v npm'], {
      encoding: 'utf8',
      timeout: 20_000,
    }).stdout.trim();
    writeFileSync(join(bin, 'npm'), `#!/bin/sh\n[ "$1" = ci ] || exec ${npm} "$@"\n`, {
      mode: 0o755,
    });
    if (natsCommand !== 'nats-server') symlinkSync(natsCommand!, join(bin, 'nats-server'));
    const child = spawn(
      'unshare',
      ['--net', process.execPath, 'test/packaging/page-commands-child.ts', ...Object.keys(leftOut)],
      {
        cwd: project,
        env: { HOME: home, LANG: 'C.UTF-8', PATH: [bin, process.env['PATH']].join(delimiter) },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let [out, err] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    const code = await new Promise((resolve) => void child.once('close', resolve));
    expect(code, err).toBe(0);
    const ran = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { page: string; text: string; fault: string | null });
    const notRun = ran.filter(({ fault }) => fault === 'left out').map(({ text }) => text);
    // Every block listed above is still on its page.
    expect(notRun.toSorted()).toEqual(Object.keys(leftOut).toSorted());
    expect(ran.filter(({ fault }) => fault !== null && fault !== 'left out')).toEqual([]);
    expect(ran.length).toBeGreaterThan(8);
  },
);
