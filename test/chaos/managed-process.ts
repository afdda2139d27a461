/**
 * A `gatehouse` command as a process that is killed, held and started again at will, and started again after
 * every end, as a service manager does.
 *
 * 1. An end that nobody asked for, after the program was ready, is counted in `diedByItself`.
 * 2. A start that fails (a full disk, say) is tried again until it works or `stop` is called.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '#test/support/project-root';

const script = join(projectRoot, 'src', 'cli', 'gatehouse.ts');
const shiftedClock = join(import.meta.dirname, 'shifted-clock-child.ts');
/** As a service manager waits before it starts a program again. */
const restartDelayMs = 300;

export interface ManagedProcess {
  readonly name: string;
  /** Where all that it prints is kept. */
  readonly logFile: string;
  /** Ends without having been asked to, after it had been ready: how. */
  readonly diedByItself: readonly string[];
  /** Starts that ended before the program was ready. */
  readonly failedStarts: number;
  /** Resolves when it answers. */
  start(): Promise<void>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Sets its wall clock wrong by this much; 0 sets it right. */
  shiftClock(ms: number): void;
  /** SIGTERM; resolves with the exit code, null for none. */
  stop(): Promise<number | null>;
}

export interface ManagedProcessOptions {
  name: string;
  args: readonly string[];
  /** Answers 200 when the program is ready. */
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
  let failedStarts = 0;
  let child: ChildProcess | null = null;
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
        mine.once('exit', (code, signal) => {
          if (child !== mine) return;
          diedByItself.push(signal ?? `exit ${code}`);
          child = null;
          if (wanted) void start();
        });
        return;
      }
      // Killed on purpose while it started: whoever killed it starts it.
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
    get failedStarts() {
      return failedStarts;
    },
    start,
    async kill() {
      await end('SIGKILL');
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    shiftClock: (ms) => writeFileSync(clockFile, String(ms)),
    stop: () => end('SIGTERM'),
  };
}

const isOver = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

async function ended(child: ChildProcess | null, signal: NodeJS.Signals): Promise<[number | null]> {
  if (child === null) return [null];
  if (!isOver(child)) {
    const exit = once(child, 'exit');
    child.kill(signal);
    // One that is held sees nothing but SIGKILL.
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
      // Not yet.
    }
    await sleep(50);
  }
  return false;
}
