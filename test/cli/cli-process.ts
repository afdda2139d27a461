/** The command as a user runs it: a real process, with its output and its exit code. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { projectRoot } from '#test/support/project-root';

export const bin = join(projectRoot, 'src', 'cli', 'gatehouse.ts');

export interface ProcessResult {
  code: number | null;
  out: string;
  err: string;
}

export interface StartedProcess {
  child: ChildProcess;
  /** The output so far. */
  ran: ProcessResult;
  ended: Promise<ProcessResult>;
}

interface ProcessOptions {
  cwd: string;
  env?: Record<string, string>;
  /** Standard input; without it, an empty one. */
  input?: string;
}

/** Starts the command; it is killed at the end of the test. */
export function startCommand(
  args: readonly string[],
  surroundings: ProcessOptions,
): StartedProcess {
  return startProcess(process.execPath, [bin, ...args], surroundings);
}

export function startProcess(
  program: string,
  args: readonly string[],
  { cwd, env = {}, input }: ProcessOptions,
): StartedProcess {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.end(input ?? '');
  const ran: ProcessResult = { code: null, out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => (ran.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (ran.err += data.toString()));
  const ended = new Promise<ProcessResult>((resolve) => {
    child.on('close', (code) => resolve(Object.assign(ran, { code })));
  });
  return { child, ran, ended };
}

export const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';
