/**
 * A NATS server of our own: a child process on the loopback, with JetStream, for machines where nobody has
 * set one up.
 *
 * O1: at most one server runs on the folder. NATS itself has no lock there: two would both write.
 * O2: it ends with this process, however that ends: a shell holds the other end of a pipe of ours and
 *     ends the server when the pipe closes, also after kill -9.
 * O3: no process is ended or used that was not started on this folder's configuration file.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Server } from './credentials.ts';
import {
  isServerOf,
  newPassword,
  openOwnServerFiles,
  ownAddress,
  type OwnServerFiles,
} from './own-server-files.ts';
import { pause, within } from './pause.ts';

export interface OwnServer {
  /** Starts the server unless it runs. @throws GH_BUS_NO_SERVER when it cannot be started, with what it said. */
  ensure(signal: AbortSignal): Promise<Server>;
  /** Null while it does not run. */
  readonly pid: number | null;
  stop(): Promise<void>;
}

export interface OwnServerOptions {
  dataFolder: string;
  command: string;
  /** Tried first, when the server has not run before. Where it is taken, any other is. 0: any. */
  port: number;
  log: Log;
}

/** JetStream reads its whole store before it listens: seconds for gigabytes on a slow disk. */
const startMs = 30_000;
const startPollMs = 20;
/** A server that does not end by itself in this time is hung. */
const stopMs = 10_000;

/**
 * `$0` is the program, `$1` its configuration file. `cat` returns when our end of the pipe closes; then the
 * server is asked to end. When the server ends first, the watcher is no longer needed.
 */
const guard = `
exec 3<&0
"$0" -c "$1" 3<&- </dev/null & server=$!
( cat <&3 >/dev/null 2>&1; kill "$server" 2>/dev/null ) & watcher=$!
wait "$server"; code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/** The version of the program, or null when there is none. */
export function serverVersion(command: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(command, ['--version'], { timeout: 10_000 }, (error, stdout) => {
      resolve(error === null ? (/v?(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null) : null);
    });
  });
}

/** @throws when the folder cannot be written. */
export const createOwnServer = (options: OwnServerOptions): OwnServer => new ChildServer(options);

class ChildServer implements OwnServer {
  readonly #options: OwnServerOptions;
  readonly #files: OwnServerFiles;
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();
  #listening: { pid: number; address: Server } | null = null;
  /** The last lines that the server wrote, for the error when it does not start. */
  #said: string[] = [];

  constructor(options: OwnServerOptions) {
    this.#options = options;
    this.#files = openOwnServerFiles(options.dataFolder);
  }

  get pid(): number | null {
    return this.#listening?.pid ?? null;
  }

  async ensure(signal: AbortSignal): Promise<Server> {
    if (this.#listening !== null) return this.#listening.address;
    await endLeftServers(this.#files, signal);
    const last = this.#files.last();
    const password = last?.password ?? newPassword();
    let found = await this.#start(last?.port ?? this.#options.port, password, signal);
    if (found === null && this.#said.some((line) => line.includes('address already in use'))) {
      await this.#exited;
      found = await this.#start(0, password, signal);
    }
    if (found === null) {
      await this.stop();
      const why = this.#said.at(-1) ?? 'it did not say why';
      throw new GatehouseError('GH_BUS_NO_SERVER', `nats-server does not start: ${why}`);
    }
    const { pid, port } = found;
    this.#files.writeConnection({ port, password });
    const address = ownAddress(port, password);
    this.#listening = { pid, address };
    this.#options.log.info({ url: address.url, pid }, 'nats-server started');
    return address;
  }

  async stop(): Promise<void> {
    this.#child?.stdin?.destroy();
    if (await within(stopMs, this.#exited)) return;
    this.#options.log.warn({ pid: this.pid }, 'nats-server does not end by itself and is killed');
    if (this.pid !== null) signalIfOurs(this.#files, this.pid, 'SIGKILL');
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  async #start(
    port: number,
    password: string,
    signal: AbortSignal,
  ): Promise<{ pid: number; port: number } | null> {
    const { command } = this.#options;
    const version = await serverVersion(command);
    if (version === null) {
      throw new GatehouseError('GH_BUS_NO_SERVER', `${command} is not installed or does not run`);
    }
    const [major = 0, minor = 0] = version.split('.').map(Number);
    this.#files.writeConfig({ port, password, canSync: major > 2 || minor >= 10 });
    const over = this.#launch();
    const deadline = performance.now() + startMs;
    while (!over.aborted && !signal.aborted && performance.now() < deadline) {
      const found = this.#files.listening();
      if (found !== null) return found;
      await pause(startPollMs, over);
    }
    return null;
  }

  /** The signal aborts when the server has ended. */
  #launch(): AbortSignal {
    const { command, log } = this.#options;
    const { configPath } = this.#files;
    const isWindows = process.platform === 'win32';
    const [program, args] = isWindows
      ? [command, ['-c', configPath]]
      : ['/bin/sh', ['-c', guard, command, configPath]];
    const child = spawn(program, args, {
      stdio: ['pipe', 'ignore', 'pipe'],
      // In a group of its own: Ctrl-C is for us, and the server is needed until the last event is out.
      detached: !isWindows,
    });
    const over = new AbortController();
    this.#child = child;
    this.#said = [];
    this.#exited = new Promise((resolve) => {
      const end = (): void => {
        [this.#child, this.#listening] = [null, null];
        child.stdin.destroy();
        over.abort();
        resolve();
      };
      child.once('exit', end);
      child.once('error', (error) => {
        this.#said.push(messageOf(error));
        end();
      });
    });
    child.stdin.on('error', () => undefined);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const lines = text.split('\n').filter((line) => line.trim() !== '');
      this.#said = [...this.#said, ...lines].slice(-20);
      for (const line of lines.filter((one) => /\[(ERR|FTL|WRN)\]/.test(one))) {
        log.debug({ line }, 'nats-server');
      }
    });
    return over.signal;
  }
}

/** Ends what an earlier process of ours left behind (O1): its pipe closed a moment ago, or its shell was killed. */
async function endLeftServers(files: OwnServerFiles, signal: AbortSignal): Promise<void> {
  for (const pid of files.left()) {
    signalIfOurs(files, pid, 'SIGTERM');
    const deadline = performance.now() + stopMs;
    while (isServerOf(files.configPath, pid) && !signal.aborted) {
      if (performance.now() > deadline) signalIfOurs(files, pid, 'SIGKILL');
      await pause(startPollMs, signal);
    }
    files.forget(pid);
  }
}

function signalIfOurs(files: OwnServerFiles, pid: number, signal: NodeJS.Signals): void {
  if (!isServerOf(files.configPath, pid)) return;
  try {
    process.kill(pid, signal);
  } catch {
    // Gone between the look and the signal.
  }
}
