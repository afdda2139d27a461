/**
 * A child process in a process group of its own. When it ends, or when the core ends (also by `kill -9`), all processes
 * that it has started are killed.
 *
 * A watchdog (a shell in the same group) reads a pipe that only this process holds open. When the pipe closes, because
 * `kill` was called, the child has exited or this process is gone, the watchdog kills the group, all processes that
 * carry the mark of this start in their environment (also those that have left the group), and itself.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessSettings {
  /** Program and arguments. */
  command: readonly string[];
  /** The whole environment, besides PATH and the mark. */
  env: Readonly<Record<string, string>>;
  cwd: string | null;
}

export interface ServerProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the process has ended, with its exit code or signal; the rest of its group is killed then. */
  readonly exited: Promise<string>;
  /** Closes standard input, then SIGTERM, then SIGKILL to the whole group. Resolves when no process is left of it. */
  stop(): Promise<void>;
  /** The same without grace. */
  kill(): Promise<void>;
}

/** Name of the variable that marks every process of one start. */
export const processMark = 'GATEHOUSE_MCP_SERVER';

/** `$$` is the process id of the group's leader: the shell, then the program that replaces it. */
const supervisor = `
( {
  trap '' TERM INT HUP
  read -r _ <&3
  read -r me _ </proc/self/stat
  kill -KILL $$
  rest=x round=0
  while [ -n "$rest" ] && [ $round -lt 50 ]; do
    rest= round=$((round + 1))
    for file in $(grep -lasF "${processMark}=$${processMark}" /proc/[0-9]*/environ); do
      pid=\${file#/proc/}; pid=\${pid%/environ}
      [ "$pid" = "$me" ] || { kill -KILL "$pid" && rest=x; }
    done
  done
  kill -KILL -$$
} </dev/null >/dev/null 2>&1 & )
exec 3<&-
exec "$@"`;

/** Grace of an end by a closed standard input, and by SIGTERM, ms. */
const graceMs = 400;
/** After it the group is killed from here too: the watchdog may have been killed. */
const watchdogMs = 2_000;

/** @throws Error if the process cannot be started */
export async function startServerProcess(settings: ProcessSettings): Promise<ServerProcess> {
  const [program = '', ...args] = settings.command;
  const { PATH } = process.env;
  const child = spawn('/bin/sh', ['-c', supervisor, 'sh', program, ...args], {
    cwd: settings.cwd ?? undefined,
    env: { ...(PATH === undefined ? {} : { PATH }), ...settings.env, [processMark]: randomUUID() },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.on('error', () => undefined);
  const { stdin, stdout, stderr } = child;
  if (child.pid === undefined || stdin === null || stdout === null || stderr === null) {
    throw new Error('the process has no standard streams');
  }
  // The process may be gone at any write; its end is reported by `exited`.
  for (const stream of [stdin, stdout, stderr, watchdogOf(child)]) {
    stream.on('error', () => undefined);
  }
  const watchdog = watchdogOf(child);
  const swept = new Promise<void>((resolve) => watchdog.once('close', resolve));
  watchdog.resume();
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      watchdog.end();
      resolve(signal ?? `exit code ${code}`);
    });
  });
  const ends = { child, exited, swept };
  return {
    pid: child.pid,
    stdin,
    stdout,
    stderr,
    exited,
    stop: () => end(ends, true),
    kill: () => end(ends, false),
  };
}

/** The pipe of the watchdog: its other end closes when the watchdog has ended. */
const watchdogOf = (child: ChildProcess): Socket => child.stdio[3] as Socket;

async function end(
  { child, exited, swept }: { child: ChildProcess; exited: Promise<string>; swept: Promise<void> },
  isGraceful: boolean,
): Promise<void> {
  child.stdin?.destroy();
  if (isGraceful && !(await endsWithin(exited, graceMs))) {
    signalGroup(child, 'SIGTERM');
    await endsWithin(exited, graceMs);
  }
  watchdogOf(child).end();
  if (!(await endsWithin(swept, watchdogMs))) signalGroup(child, 'SIGKILL');
  await exited;
  // A process that has left the group may hold the other ends.
  child.stdout?.destroy();
  child.stderr?.destroy();
}

async function endsWithin(ended: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  const late = delay(ms, false, { signal: timer.signal }).catch(() => false);
  const isEnded = await Promise.race([ended.then(() => true), late]);
  timer.abort();
  return isEnded;
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid!, signal);
  } catch {
    // No process of the group is left.
  }
}
