/** Help, wrong usage and shell completion of the real command. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '#cli/commands';
import { completionScript, shells } from '#cli/completion';
import { scratchFolder } from '#test/support/journal';
import { lastLine, startCommand, startProcess } from './cli-process.ts';
import { projectRoot } from '#test/support/project-root';

const scratch = scratchFolder();
const run = (...args: string[]) => startCommand(args, { cwd: scratch.path }).ended;

describe('help', () => {
  test('lists every command on one line, and ends with the next step', async () => {
    const { code, out } = await run('help');
    expect(code).toBe(0);
    for (const name of Object.keys(commands)) {
      expect(out).toContain(`\n  ${name.replace(/ list$/, ' [list]')}`);
    }
    expect(lastLine(out)).toContain('gatehouse help COMMAND');
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  test('for a command is the same by `help jobs` and by `jobs --help`, with its options', async () => {
    const [help, option, one] = await Promise.all([
      run('help', 'jobs'),
      run('jobs', '--help'),
      run('help', 'jobs', 'show'),
    ]);
    expect(help.code).toBe(0);
    expect(option.out).toBe(help.out);
    expect(help.out).toContain('jobs cancel ID');
    expect(help.out).toMatch(/--state WORD.*answered, clarified/);
    expect(one.out).toContain('gatehouse jobs show ID');
    expect(one.out).not.toContain('--state');
  });

  test('loads no module of a command and no large package', () => {
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ load: (url, context, next) => (console.error(url), next(url, context)) });`;
    const { stderr } = spawnSync(
      process.execPath,
      [
        '--import',
        `data:text/javascript,${encodeURIComponent(hook)}`,
        join(projectRoot, 'src/cli/gatehouse.ts'),
        '--help',
      ],
      { encoding: 'utf8', timeout: 60_000 },
    );
    expect(stderr).toContain('/src/cli/commands.ts');
    expect(stderr).not.toMatch(/node_modules\/(?:zod|yaml|xstate)\/|src\/cli\/(?:chat|jobs)\.ts/);
  });

  test('for an unknown command exits with 2', async () => {
    expect(await run('help', 'dance')).toMatchObject({ code: 2, out: '' });
  });
});

describe('wrong usage', () => {
  test.each([
    ['jbos', 'there is no command jbos; did you mean jobs?'],
    ['docter', 'there is no command docter; did you mean doctor?'],
    ['dance', 'there is no command dance'],
    ['constructor', 'there is no command constructor'],
    ['일정', 'there is no command 일정'],
  ])('of the command %s names the command that was probably meant', async (word, reason) => {
    const { code, err } = await run(word);
    expect([code, lastLine(err)]).toEqual([2, `gatehouse: ${reason}`]);
  });

  test.each([
    [['jobs', '--dance'], "Unknown option '--dance'"],
    [['jobs', 'cance'], 'jobs does not take cance; did you mean cancel?'],
    [['jobs', '--jsno'], "Unknown option '--jsno'; did you mean --json?"],
    [['jobs', 'show'], 'jobs show takes ID'],
    [['jobs', 'show', 'a', 'b'], 'jobs show does not take b'],
    [['jobs', 'show', 'a', '--state', 'done'], 'jobs show does not take --state'],
    [['jobs', '--state', 'fine'], 'expected one of ack, classify'],
    [['calendar'], 'calendar takes import, export, occurrences'],
    [['bridge', 'matrix'], 'bridge takes synology, telegram, not matrix'],
    [['completion', 'csh'], 'expected one of bash, zsh, fish; found csh'],
    [['memo'], 'there is nothing to keep'],
  ])('of %j prints its reason on the last line, below the usage', async (args, reason) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([2, '']);
    expect(lastLine(err)).toMatch(/^gatehouse: /);
    expect(lastLine(err)).toContain(reason);
    expect(err).toContain(`usage: gatehouse ${args[0]}`);
    expect(err.trimEnd().split('\n').length).toBeLessThan(15);
  });
});

/** The words that bash completes for a line whose last word is incomplete. */
function offered(...words: string[]): string[] {
  const script = `${completionScript(commands, 'bash')}
COMP_WORDS=(${['gatehouse', ...words].map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length}
_gatehouse
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], {
    cwd: scratch.path,
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

describe('shell completion', () => {
  test('in bash offers commands, subcommands, options and their values', () => {
    expect(offered('do')).toEqual(['doctor', 'documents']);
    expect(offered('jobs', '')).toEqual(['list', 'show', 'cancel']);
    expect(offered('jobs', '--s')).toEqual(['--state']);
    expect(offered('jobs', 'show', '--')).toEqual(['--url', '--json', '--config', '--help']);
    expect(offered('jobs', '--state', 'c')).toEqual([
      'classify',
      'confirm-draft',
      'cancelled',
      'clarified',
    ]);
    expect(offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(offered('help', 'ja')).toEqual([]);
    expect(offered('help', 'jo')).toEqual(['jobs']);
    expect(offered('--json', 'jobs', 'c')).toEqual(['cancel']);
    expect(offered('chat', 'jobs', '')).toEqual([]);
  });

  test.each(shells)('for %s is printed by the command and names every command', async (shell) => {
    const { code, out } = await run('completion', shell);
    expect(code).toBe(0);
    expect(out).toBe(completionScript(commands, shell));
    for (const name of Object.keys(commands)) expect(out).toContain(name.split(' ').at(-1));
  });

  const here = shells.filter(
    (shell) => spawnSync(shell, ['--version'], { timeout: 20_000 }).status === 0,
  );
  test.each(here)(
    'for %s is accepted by that shell (shells that are not installed are skipped)',
    (shell) => {
      const { status, stderr } = spawnSync(shell, ['-n'], {
        input: completionScript(commands, shell),
        encoding: 'utf8',
        timeout: 20_000,
      });
      expect([status, stderr]).toEqual([0, '']);
    },
  );
});

/** An old Node of this machine, if there is one. */
const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => {
  if (!existsSync(path)) return false;
  const { stdout } = spawnSync(path, ['-p', 'parseInt(process.versions.node)'], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return Number(stdout) < 24;
});

describe.skipIf(oldNode === undefined)('under an old Node (skipped if none is installed)', () => {
  const bin = join(projectRoot, 'bin', 'gatehouse.mjs');

  test('the command runs with the Node of the project, and prints only its answer', async () => {
    const start = (...args: string[]) =>
      startProcess(oldNode!, [bin, ...args], { cwd: scratch.path }).ended;
    const [version, wrong] = await Promise.all([start('--version'), start('dance')]);
    expect(version).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: '' });
    expect(wrong.code).toBe(2);
    expect(lastLine(wrong.err)).toBe('gatehouse: there is no command dance');
  });

  test('npx prints no warning about engines', async () => {
    const npx = startProcess('npx', ['gatehouse', '--version'], {
      cwd: projectRoot,
      env: { PATH: `/usr/bin:/bin:/usr/local/bin` },
    });
    expect(await npx.ended).toMatchObject({ code: 0, err: '' });
  });

  test('the command prints one line with the required version if it has no other Node', async () => {
    const { ended } = startProcess(oldNode!, [bin, '--version'], {
      cwd: scratch.path,
      env: { GATEHOUSE_OWN_NODE: '1' },
    });
    const { code, err } = await ended;
    expect(code).toBe(1);
    expect(err).toMatch(/^gatehouse: needs Node 24\.12 or newer, this is v\d+\.\d+\.\d+\n$/);
  });
});
