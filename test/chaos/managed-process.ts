/**
 * A `gatehouse` command as a process that can be killed, frozen and started, and that is restarted after every
 * unexpected end, as by a service manager.
 *
 * 1. An unexpected end after the program was ready is recorded in `diedByItself`.
 * 2. A start that fails (for example on a full disk) is retried until it succeeds or `stop` is called.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '#test/support/project-root';

const script = join(projectRoot, 'src', 'cli', 'gatehouse.ts');
const shiftedClock = join(import.meta.dirname, 'shifted-clock-child.ts');
/** The delay before a restart, as of a service manager. */
const restartDelayMs = 300;

export interface ManagedProcess {
  readonly name: string;
  /** The file with all output of the program. */
  readonly logFile: string;
  /** Signal or exit code of each unexpected end. */
  readonly diedByItself: readonly string[];
  /** The number of starts that ended before the program was ready. */
  readonly failedStarts: number;
  /** When it was frozen, oldest first. */
  readonly frozen: readonly TimeSpan[];
  /** Resolves when the health check succeeds. */
  start(): Promise<void>;
  /** Sends SIGKILL and waits for the exit. */
  kill(): Promise<void>;
  /** `freeze` sends SIGSTOP, `thaw` sends SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Shifts the wall clock of the program; 0 restores it. */
  shiftClock(ms: number): void;
  /** Sends SIGTERM; resolves with the exit code, or null. */
  stop(): Promise<number | null>;
}

/** Epoch ms. */
export interface TimeSpan {
  from: number;
  to: number;
}

export interface ManagedProcessOptions {
  name: string;
  args: readonly string[];
  /** Returns 200 when the program is ready. */
  healthUrl: string;
  folder: string;
}

export function createManagedProcess({
  name,
  args,
  healthUrl,
  folder,
}: ManagedProcessOptions): ManagedProcess {
  const logFile = join(folder, `${name}.log`);
  const clockFile = join(folder, `${name}.clock`);
  writeFileSync(clockFile, '0');
  const diedByItself: string[] = [];
  const frozen: TimeSpan[] = [];
  let failedStarts = 0;
  let child: ChildProcess | null = null;
  /** The child that has been ready; one that is still starting may fail for any reason of the storm. */
  let readyChild: ChildProcess | null = null;
  let wanted = false;
  let starting: Promise<void> | null = null;

  const launch = (): ChildProcess => {
    const log = openSync(logFile, 'a');
    const launched = spawn(process.execPath, ['--import', shiftedClock, script, ...args], {
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        CHAOS_CLOCK_FILE: clockFile,
        NODE_COMPILE_CACHE: join(projectRoot, '.cache', 'compile'),
      },
    });
    closeSync(log);
    return launched;
  };
  const untilReady = async (): Promise<void> => {
    while (wanted) {
      const mine = launch();
      child = mine;
      const isReady = await answersWhileAlive(mine, healthUrl);
      if (isReady) {
        readyChild = mine;
        mine.once('exit', (code, signal) => {
          if (child !== mine) return;
          diedByItself.push(signal ?? `exit ${code}`);
          child = null;
          if (wanted) void start();
        });
        return;
      }
      // Killed on purpose: the caller of `kill` starts it again.
      if (child !== mine) return;
      failedStarts += 1;
      await sleep(restartDelayMs);
    }
  };
  const start = (): Promise<void> => {
    wanted = true;
    starting ??= untilReady().finally(() => (starting = null));
    return starting;
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    wanted = false;
    const ending = child;
    child = null;
    const [code] = await ended(ending, signal);
    await starting;
    return code;
  };
  process.on('exit', () => child?.kill('SIGKILL'));
  return {
    name,
    logFile,
    diedByItself,
    frozen,
    get failedStarts() {
      return failedStarts;
    },
    start,
    async kill() {
      await end('SIGKILL');
    },
    freeze() {
      frozen.push({ from: Date.now(), to: Number.POSITIVE_INFINITY });
      child?.kill('SIGSTOP');
    },
    thaw() {
      child?.kill('SIGCONT');
      const last = frozen.at(-1);
      if (last !== undefined) last.to = Date.now();
    },
    shiftClock: (ms) => writeFileSync(clockFile, String(ms)),
    async stop() {
      const wasReady = child !== null && child === readyChild && !isOver(child);
      const code = await end('SIGTERM');
      if (wasReady && code !== null && code !== 0)
        diedByItself.push(`exit ${code} when it was told to stop`);
      return code;
    },
  };
}

const isOver = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

async function ended(child: ChildProcess | null, signal: NodeJS.Signals): Promise<[number | null]> {
  if (child === null) return [null];
  if (!isOver(child)) {
    const exit = once(child, 'exit');
    child.kill(signal);
    // A frozen process handles no signal except SIGKILL.
    child.kill('SIGCONT');
    await exit;
  }
  return [child.exitCode];
}

async function answersWhileAlive(child: ChildProcess, url: string): Promise<boolean> {
  while (!isOver(child)) {
    try {
      if ((await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok) return !isOver(child);
    } catch {
      // The program does not listen yet.
    }
    await sleep(50);
  }
  return false;
}
