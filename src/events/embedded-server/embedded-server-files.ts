/**
 * The folder of the embedded NATS server: its configuration, its connection data, and its process.
 *
 *     <data folder>/nats/
 *       server.conf        written before every start; holds the password, so only the owner may read it
 *       connection.json    {url, user, password} for the bridge and the operator
 *       run/               the server writes nats-server_<pid>.ports here once it listens
 *       store/             JetStream
 */
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseServerAddress, type NatsServerAddress } from '../connection/server-address.ts';

export interface EmbeddedServerFiles {
  readonly configPath: string;
  readonly runFolder: string;
  /** Port and password of the last run, reused so that clients survive a restart; null before the first run. */
  lastConnection(): { port: number; password: string } | null;
  writeConfig(settings: { port: number; password: string; canSync: boolean }): void;
  writeConnection(settings: { port: number; password: string }): void;
  /** The listening process, from the ports file of the server. */
  listening(): { pid: number; port: number } | null;
  /** Pids from ports files: possibly servers left by an earlier process. */
  leftoverPids(): number[];
  forget(pid: number): void;
}

const embeddedServerUser = 'gatehouse';
/** Shown to clients: a server with another name is not one of a core. */
export const embeddedServerName = 'gatehouse-embedded';

/** Twice the limits of all streams of Gatehouse together; the server's default is most of the disk. */
const storeBytesMax = 3 * 1024 ** 3;

const folderOf = (dataFolder: string): string => join(dataFolder, 'nats');

export function openEmbeddedServerFiles(dataFolder: string): EmbeddedServerFiles {
  const folder = folderOf(dataFolder);
  const [configPath, runFolder] = [join(folder, 'server.conf'), join(folder, 'run')];
  mkdirSync(runFolder, { recursive: true, mode: 0o700 });

  const portsFiles = (): { pid: number; path: string }[] =>
    readdirSync(runFolder).flatMap((name) => {
      const pid = /^nats-server_(\d+)\.ports$/.exec(name)?.[1];
      return pid === undefined ? [] : [{ pid: Number(pid), path: join(runFolder, name) }];
    });

  return {
    configPath,
    runFolder,
    lastConnection() {
      const known = readConnection(dataFolder);
      if (known === null) return null;
      return { port: Number(new URL(known.url).port), password: known.password };
    },
    writeConfig({ port, password, canSync }) {
      writeSecret(
        configPath,
        [
          `server_name: ${embeddedServerName}`,
          `listen: "127.0.0.1:${port === 0 ? -1 : port}"`,
          `ports_file_dir: ${JSON.stringify(runFolder)}`,
          `authorization { user: ${embeddedServerUser}, password: "${password}" }`,
          'jetstream {',
          `  store_dir: ${JSON.stringify(join(folder, 'store'))}`,
          '  max_mem: 64MB',
          `  max_file: ${storeBytesMax}`,
          // Without it a power cut loses up to two minutes of acknowledged messages.
          ...(canSync ? ['  sync_interval: always'] : []),
          '}',
          '',
        ].join('\n'),
      );
    },
    writeConnection({ port, password }) {
      const connection = { url: `nats://127.0.0.1:${port}`, user: embeddedServerUser, password };
      writeSecret(join(folder, 'connection.json'), `${JSON.stringify(connection, null, 2)}\n`);
    },
    listening() {
      for (const { pid, path } of portsFiles()) {
        const port = readPort(path);
        if (port !== null) return { pid, port };
      }
      return null;
    },
    leftoverPids: () => portsFiles().map(({ pid }) => pid),
    forget(pid) {
      for (const file of portsFiles()) if (file.pid === pid) rmSync(file.path, { force: true });
    },
  };
}

export const newPassword = (): string => randomBytes(24).toString('base64url');

/** Address of the server started by the core, for another process; null if none was ever started. */
export function embeddedServerAddress(dataFolder: string): NatsServerAddress | null {
  const known = readConnection(dataFolder);
  return known === null
    ? null
    : localServerAddress(Number(new URL(known.url).port), known.password);
}

export const localServerAddress = (port: number, password: string): NatsServerAddress =>
  parseServerAddress({
    mode: 'child',
    url: `nats://127.0.0.1:${port}`,
    prefix: '',
    user: embeddedServerUser,
    password,
    token: null,
    credsFile: null,
  });

/**
 * Whether the process is a server with this configuration file, not another program with a reused pid. Processes of
 * others are never touched.
 */
export function isServerOf(configPath: string, pid: number): boolean {
  try {
    return commandLine(pid).includes(configPath);
  } catch {
    return false;
  }
}

function commandLine(pid: number): string {
  if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
}

function readConnection(
  dataFolder: string,
): { url: string; user: string; password: string } | null {
  try {
    const text = readFileSync(join(folderOf(dataFolder), 'connection.json'), 'utf8');
    const { url, user, password } = JSON.parse(text) as Record<string, unknown>;
    if ([url, user, password].some((part) => typeof part !== 'string')) return null;
    return { url, user, password } as { url: string; user: string; password: string };
  } catch {
    return null;
  }
}

/** Null while the server is still writing the file. */
function readPort(path: string): number | null {
  try {
    const { nats } = JSON.parse(readFileSync(path, 'utf8')) as { nats?: string[] };
    return Number(new URL(nats?.[0] ?? '').port);
  } catch {
    return null;
  }
}

function writeSecret(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
}
