/**
 * The single check, locally and in CI: format, lint, types, unused code, tests.
 * Each step runs to its end; the first failing step ends the run. The last line
 * of output is `N passed, N failed`, counted from vitest's own report.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const scratch = mkdtempSync(join(tmpdir(), 'gatehouse-check-'));
const report = join(scratch, 'report.json');

const steps: { name: string; command: string[] }[] = [
  { name: 'format', command: ['oxfmt', '--check'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'types', command: ['tsc', '-p', '.'] },
  { name: 'unused', command: ['knip'] },
  {
    name: 'tests',
    command: [
      'vitest',
      'run',
      '--reporter=default',
      '--reporter=json',
      '--reporter=./test/support/hang-reporter.ts',
      `--outputFile.json=${report}`,
    ],
  },
];

/**
 * Returns the exit code. Each step is a process group of its own, and the rest of the group is ended with it: a process
 * that a test left behind would hold standard output open, and a CI waits until it is closed.
 */
async function run(command: string[]): Promise<number> {
  const [program = '', ...args] = command;
  const path = `${join(process.cwd(), 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`;
  const child = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PATH: path },
    detached: true,
  });
  const endGroup = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // The group has ended.
    }
  };
  process.on('SIGINT', endGroup).on('SIGTERM', endGroup);
  const status = await new Promise<number>((resolve) => {
    child.on('error', (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
  process.off('SIGINT', endGroup).off('SIGTERM', endGroup);
  endGroup('SIGKILL');
  return status;
}

interface Summary {
  passed: number;
  failed: number;
  skipped: number;
}

function counts(): Summary {
  try {
    const parsed = JSON.parse(readFileSync(report, 'utf8')) as {
      numPassedTests: number;
      numFailedTests: number;
      numPendingTests: number;
      numFailedTestSuites: number;
      success: boolean;
    };
    const failed = parsed.numFailedTests;
    // A file that fails to load has no failed test, but the run has failed.
    return {
      passed: parsed.numPassedTests,
      failed: failed === 0 && !parsed.success ? 1 : failed,
      skipped: parsed.numPendingTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

let exitCode = 0;
let summary: Summary = { passed: 0, failed: 1, skipped: 0 };
for (const step of steps) {
  console.log(`\n== ${step.name}: ${step.command.slice(0, 2).join(' ')}`);
  const status = await run(step.command);
  if (step.name === 'tests') summary = counts();
  if (status !== 0) {
    console.error(`== ${step.name} failed (exit ${status})`);
    exitCode = 1;
    break;
  }
}
rmSync(scratch, { recursive: true, force: true });
if (summary.skipped > 0) console.log(`${summary.skipped} skipped`);
console.log(`${summary.passed} passed, ${summary.failed} failed`);
process.exitCode = exitCode;
