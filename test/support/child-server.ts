/** A server process: it is started, polled until it is ready, and ended by its pid. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Longest start of a server on a busy machine. */
const startLimitMs = 30_000;

export interface ChildServer {
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * Starts the program and resolves when `isUp` does. @throws Error with its output if it ends before, or takes too long
 */
export async function startChild(
  program: string,
  args: readonly string[],
  isUp: () => Promise<boolean>,
): Promise<ChildServer> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-4000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const deadline = Date.now() + startLimitMs;
  while (!(await isUp())) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await end(child);
      throw new Error(`${program} did not start: ${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return { pid: child.pid ?? 0, stop: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(hard);
}
