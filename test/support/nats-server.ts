/**
 * Real nats-servers for tests: the program is found or installed, and processes run on free ports until their test
 * ends.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { projectRoot } from './project-root.ts';

const cache = join(projectRoot, '.cache', 'nats-server');
const cached = join(cache, 'usr', 'sbin', 'nats-server');

/**
 * The path of a nats-server: that on PATH, else that in `.cache/`, else that of the distribution's package, unpacked
 * into `.cache/` without installation. Null if there is none.
 */
export function prepareNatsServer(): string | null {
  for (const path of ['nats-server', cached]) if (runs(path)) return path;
  const scratch = `${cache}.${process.pid}`;
  const download = (): void => {
    execFileSync('apt-get', ['download', 'nats-server'], {
      cwd: scratch,
      stdio: 'ignore',
      timeout: 300_000,
    });
  };
  try {
    mkdirSync(scratch, { recursive: true });
    try {
      download();
    } catch {
      // A new machine has no package lists yet.
      execFileSync('apt-get', ['update'], { stdio: 'ignore', timeout: 300_000 });
      download();
    }
    const [archive = ''] = readdirSync(scratch).filter((name) => name.endsWith('.deb'));
    execFileSync('dpkg', ['-x', archive, '.'], { cwd: scratch, stdio: 'ignore', timeout: 300_000 });
    rmSync(cache, { recursive: true, force: true });
    renameSync(scratch, cache);
  } catch {
    rmSync(scratch, { recursive: true, force: true });
  }
  if (runs(cached)) return cached;
  console.warn('no nats-server: install it (apt-get install nats-server); its tests are skipped');
  return null;
}

function runs(path: string): boolean {
  try {
    execFileSync(path, ['--version'], { stdio: 'ignore', timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** The folder of JetStream's data. */
  readonly store: string;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: the server is there, but does not answer. */
  freeze(): void;
  thaw(): void;
  /** Starts it again, with the same port and data; optionally with another configuration. */
  restart(change?: { config?: string }): Promise<void>;
  /** Deletes all data of JetStream. The server must not run. */
  wipe(): void;
  stop(): Promise<void>;
}

export interface NatsServerOptions {
  command: string;
  /** Lines of the configuration file, besides port, store and files. */
  config?: string;
  jetStream?: boolean;
  /** 0, the default: any free port. */
  port?: number;
}

/** Stopped, and its data removed, when the test has finished. */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const server = await launchNatsServer(options);
  onTestFinished(() => server.stop());
  return server;
}

export async function launchNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-nats-'));
  const store = join(folder, 'store');
  let current = await start(options, folder, options.port ?? 0);
  const { port } = current;
  const server: NatsServer = {
    url: `nats://127.0.0.1:${port}`,
    port,
    store,
    get pid() {
      return current.pid;
    },
    async kill() {
      current.signal('SIGKILL');
      await current.ended;
    },
    freeze: () => current.signal('SIGSTOP'),
    thaw: () => current.signal('SIGCONT'),
    async restart(change = {}) {
      await current.ended;
      current = await start({ ...options, ...change }, folder, port);
    },
    wipe: () => rmSync(store, { recursive: true, force: true }),
    async stop() {
      process.off('exit', forget);
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  const forget = (): void => current.signal('SIGKILL');
  process.on('exit', forget);
  return server;
}

interface Running {
  pid: number;
  port: number;
  ended: Promise<void>;
  signal(name: NodeJS.Signals): void;
}

async function start(
  { command, config = '', jetStream = true }: NatsServerOptions,
  folder: string,
  port: number,
): Promise<Running> {
  const configPath = join(folder, 'server.conf');
  writeFileSync(
    configPath,
    [
      `listen: "127.0.0.1:${port === 0 ? -1 : port}"`,
      `ports_file_dir: ${JSON.stringify(folder)}`,
      jetStream ? `jetstream { store_dir: ${JSON.stringify(join(folder, 'store'))} }` : '',
      config,
    ].join('\n'),
  );
  const child = spawn(command, ['-c', configPath], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-4_000)));
  let isOver = false;
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  }).then(() => void (isOver = true));
  const portsFile = join(folder, `nats-server_${child.pid}.ports`);
  for (;;) {
    const found = portIn(portsFile);
    if (found !== null) {
      const signal = (name: NodeJS.Signals): void => void (isOver || child.kill(name));
      return { pid: child.pid!, port: found, ended, signal };
    }
    if (isOver) throw new Error(`nats-server did not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function portIn(path: string): number | null {
  if (!existsSync(path)) return null;
  try {
    const { nats } = JSON.parse(readFileSync(path, 'utf8')) as { nats: string[] };
    return Number(new URL(nats[0]!).port);
  } catch {
    return null;
  }
}
