/**
 * The embedded NATS server: a child process on the loopback, with JetStream, for machines without a NATS server.
 *
 * O1: at most one server runs on the folder. NATS itself has no lock there: two servers would both write.
 * O2: the server ends with this process, however it ends, also by kill -9: a shell holds the other end of a pipe and
 *     ends the server when the pipe closes.
 * O3: only a process that was started with this folder's configuration file is ever used or ended.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import type { NatsServerAddress } from '../connection/server-address.ts';
import {
  isServerOf,
  newPassword,
  openEmbeddedServerFiles,
  localServerAddress,
  type EmbeddedServerFiles,
} from './embedded-server-files.ts';
import { abortableSleep } from '#shared/abortable-sleep';
import { settledWithin } from '../connection/async-timers.ts';

export interface EmbeddedNatsServerOptions {
  dataFolder: string;
  command: string;
  /** Preferred port for the first start; if it is in use, a free port is taken. 0: any free port. */
  port: number;
  log: Log;
}

/** JetStream reads its whole store before it listens: seconds for gigabytes on a slow disk. */
const startMs = 30_000;
const startPollMs = 20;
/** A server that has not ended by itself after this is hung, and killed. */
const stopMs = 10_000;

/**
 * `$0` is the program, `$1` its configuration file. `cat` returns when our end of the pipe closes; then the server is
 * terminated. When the server ends first, the watcher is ended.
 */
const watchdogScript = `
exec 3<&0
"$0" -c "$1" 3<&- </dev/null & server=$!
( cat <&3 >/dev/null 2>&1; kill "$server" 2>/dev/null ) & watcher=$!
wait "$server"; code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/** Version of the program; null if it is not installed or does not run. */
export function serverVersion(command: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(command, ['--version'], { timeout: 10_000 }, (error, stdout) => {
      resolve(error === null ? (/v?(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null) : null);
    });
  });
}

/** @throws when the folder cannot be written. */
export const createEmbeddedNatsServer = (options: EmbeddedNatsServerOptions): EmbeddedNatsServer =>
  new EmbeddedNatsServer(options);

export class EmbeddedNatsServer {
  readonly #options: EmbeddedNatsServerOptions;
  readonly #files: EmbeddedServerFiles;
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();
  #listening: { pid: number; address: NatsServerAddress } | null = null;
  /** The server's last output lines, for the error if it does not start. */
  #recentOutput: string[] = [];

  constructor(options: EmbeddedNatsServerOptions) {
    this.#options = options;
    this.#files = openEmbeddedServerFiles(options.dataFolder);
  }

  /** Null while it does not run. */
  get pid(): number | null {
    return this.#listening?.pid ?? null;
  }

  /** Starts the server unless it runs. @throws GH_BUS_NO_SERVER with the server's output if it cannot start. */
  async ensureRunning(signal: AbortSignal): Promise<NatsServerAddress> {
    if (this.#listening !== null) return this.#listening.address;
    await stopLeftoverServers(this.#files, signal);
    const last = this.#files.lastConnection();
    const password = last?.password ?? newPassword();
    let found = await this.#start(last?.port ?? this.#options.port, password, signal);
    if (
      found === null &&
      this.#recentOutput.some((line) => line.includes('address already in use'))
    ) {
      await this.#exited;
      found = await this.#start(0, password, signal);
    }
    if (found === null) {
      await this.stop();
      const why = this.#recentOutput.at(-1) ?? 'it did not say why';
      throw new GatehouseError('GH_BUS_NO_SERVER', `nats-server does not start: ${why}`);
    }
    const { pid, port } = found;
    this.#files.writeConnection({ port, password });
    const address = localServerAddress(port, password);
    this.#listening = { pid, address };
    this.#options.log.info({ url: address.url, pid }, 'nats-server started');
    return address;
  }

  async stop(): Promise<void> {
    this.#child?.stdin?.destroy();
    if (await settledWithin(stopMs, this.#exited)) return;
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
    const exited = this.#launch();
    const deadline = performance.now() + startMs;
    while (!exited.aborted && !signal.aborted && performance.now() < deadline) {
      const found = this.#files.listening();
      if (found !== null) return found;
      await abortableSleep(startPollMs, exited);
    }
    return null;
  }

  /** The returned signal aborts when the server has ended. */
  #launch(): AbortSignal {
    const { command, log } = this.#options;
    const { configPath } = this.#files;
    const isWindows = process.platform === 'win32';
    const [program, args] = isWindows
      ? [command, ['-c', configPath]]
      : ['/bin/sh', ['-c', watchdogScript, command, configPath]];
    const child = spawn(program, args, {
      stdio: ['pipe', 'ignore', 'pipe'],
      // Own process group: Ctrl-C must not reach the server, which is needed until the last event is published.
      detached: !isWindows,
    });
    const over = new AbortController();
    this.#child = child;
    this.#recentOutput = [];
    this.#exited = new Promise((resolve) => {
      const end = (): void => {
        [this.#child, this.#listening] = [null, null];
        child.stdin.destroy();
        over.abort();
        resolve();
      };
      child.once('exit', end);
      child.once('error', (error) => {
        this.#recentOutput.push(messageOf(error));
        end();
      });
    });
    child.stdin.on('error', () => undefined);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const lines = text.split('\n').filter((line) => line.trim() !== '');
      this.#recentOutput = [...this.#recentOutput, ...lines].slice(-20);
      for (const line of lines.filter((one) => /\[(ERR|FTL|WRN)\]/.test(one))) {
        log.debug({ line }, 'nats-server');
      }
    });
    return over.signal;
  }
}

/** Ends servers left by an earlier process (O1): its pipe has just closed, or its shell was killed. */
async function stopLeftoverServers(files: EmbeddedServerFiles, signal: AbortSignal): Promise<void> {
  for (const pid of files.leftoverPids()) {
    signalIfOurs(files, pid, 'SIGTERM');
    const deadline = performance.now() + stopMs;
    while (isServerOf(files.configPath, pid) && !signal.aborted) {
      if (performance.now() > deadline) signalIfOurs(files, pid, 'SIGKILL');
      await abortableSleep(startPollMs, signal);
    }
    files.forget(pid);
  }
}

function signalIfOurs(files: EmbeddedServerFiles, pid: number, signal: NodeJS.Signals): void {
  if (!isServerOf(files.configPath, pid)) return;
  try {
    process.kill(pid, signal);
  } catch {
    // The process ended before the signal.
  }
}
