/**
 * A private PostgreSQL for tests: a copy of a freshly initialised data folder, on a free loopback port, with `fsync` on.
 * PostgreSQL refuses to run as root, so root starts it as an unprivileged user.
 */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { preparePackages } from './debian-package.ts';
import { freePort } from './free-port.ts';
import { memoryFolder } from './memory-folder.ts';
import { pgvectorBin, preparePgvector } from './pgvector.ts';
import { projectRoot } from './project-root.ts';

/** The oldest version that Gatehouse supports. */
const versionMin = 15;
const installations = '/usr/lib/postgresql';
/** `nobody`: its number is the same on every Linux. */
const unprivileged = 65_534;
const identity = process.getuid?.() === 0 ? { uid: unprivileged, gid: unprivileged } : {};
const startLimitMs = 30_000;
const superuser = 'postgres';

interface Installation {
  version: number;
  bin: string;
}

function findInstallation(): Installation | null {
  const versions = existsSync(installations) ? readdirSync(installations).map(Number) : [];
  const usable = versions
    .filter((version) => version >= versionMin)
    .map((version) => ({ version, bin: join(installations, String(version), 'bin') }))
    .filter(({ bin }) => existsSync(join(bin, 'postgres')) && existsSync(join(bin, 'initdb')));
  return usable.toSorted((a, b) => a.version - b.version)[0] ?? null;
}

const templateOf = ({ version }: Installation): string =>
  join(projectRoot, '.cache', `postgres-${version}`);

/** Installs PostgreSQL if that is allowed, and makes the data folder to copy. Returns why it is missing, or null. */
export function preparePostgres(): string | null {
  const reason = preparePackages('PostgreSQL', () => findInstallation() !== null, ['postgresql']);
  const installation = findInstallation();
  if (reason !== null || installation === null) return reason ?? 'PostgreSQL 15 is not installed';
  if (existsSync(templateOf(installation))) return null;
  const folder = ownFolder();
  try {
    const data = join(folder, 'data');
    const options = ['--no-sync', '--wal-segsize=1', '-E', 'UTF8', '--locale=C.UTF-8'];
    execFileSync(
      join(installation.bin, 'initdb'),
      ['-D', data, '-U', superuser, '--auth-local=trust', '--auth-host=scram-sha-256', ...options],
      { ...identity, cwd: folder, stdio: 'ignore', timeout: 120_000 },
    );
    const partial = `${templateOf(installation)}.${process.pid}`;
    cpSync(data, partial, { recursive: true });
    renameSync(partial, templateOf(installation));
    return null;
  } catch (error) {
    return `initdb failed: ${(error as Error).message}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Why tests with PostgreSQL must be skipped, or null. */
export function postgresMissing(): string | null {
  const installation = findInstallation();
  if (installation === null) return 'PostgreSQL 15 is not installed (Debian package postgresql)';
  return existsSync(templateOf(installation)) ? null : 'its data folder could not be initialised';
}

/** Why tests with pgvector must be skipped, or null. */
export function vectorsMissing(): string | null {
  const { version } = findInstallation() ?? { version: versionMin };
  return postgresMissing() ?? (pgvectorBin(version) === null ? 'pgvector is not there' : null);
}

/** Builds pgvector for the server that the tests start. Returns why it is missing, or null. */
export function prepareVectors(): string | null {
  return postgresMissing() ?? preparePgvector(findInstallation()!.version);
}

export interface PostgresServer {
  readonly port: number;
  /** Folder of the data; the server's unix socket is in its parent folder. */
  readonly data: string;
  /** Login of the tests: may log in over TCP, and owns the databases of `createDatabase`. */
  readonly role: { user: string; password: string };
  readonly pid: number;
  /** A new empty database, owned by `role`. Resolves with its name. */
  createDatabase(settings?: string): Promise<string>;
  /** With the login of `role`; `port` is that of a proxy, if there is one between. */
  urlOf(database: string, port?: number): string;
  /** Runs statements as superuser. */
  run(sql: string, database?: string): Promise<pg.QueryResult>;
  /** Gives a folder to the server's user, for a tablespace. */
  adopt(folder: string): void;
  /** A file in the folder of the data that only the server can read. */
  writeFile(name: string, text: string): void;
  /** Immediate shutdown, as `pg_ctl stop -m immediate`: no checkpoint, and a recovery at the next start. */
  crash(): Promise<void>;
  /** Ends all its processes at once, as the loss of its machine does: no connection is closed in order. */
  kill(): Promise<void>;
  /** Starts it again, with the same port and data. */
  start(): Promise<void>;
  /** A replica of it, on a free port if none is given. From now on each commit waits for the replica. */
  startStandby(port?: number): Promise<PostgresServer>;
  /** Makes a replica a primary, without a replica of its own. */
  promote(): Promise<void>;
  /** Stops all its processes (SIGSTOP), or lets them go on. */
  freeze(isFrozen: boolean): void;
  /** Stops it and deletes its data. */
  remove(): Promise<void>;
}

export interface PostgresServerOptions {
  /** With the extension pgvector. */
  hasVectors?: boolean;
  /** Lines of postgresql.conf. */
  config?: string;
  /** Lines of pg_hba.conf, before all others. */
  hba?: string;
  /** An existing empty folder for the data, for example on another file system; left out: a temporary folder. */
  folder?: string;
}

/** @throws Error if it is not installed or does not start */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const installation = findInstallation();
  if (installation === null) throw new Error('PostgreSQL is not installed');
  const folder = ownFolder(options.folder);
  const data = join(folder, 'data');
  cpSync(templateOf(installation), data, { recursive: true });
  chmodSync(data, 0o700);
  changeOwner(data);
  const port = await freePort();
  configure(data, [
    `listen_addresses = '127.0.0.1'`,
    ...placeOf(folder, port),
    'shared_buffers = 32MB',
    'max_connections = 60',
    options.config ?? '',
  ]);
  const hba = join(data, 'pg_hba.conf');
  writeFileSync(hba, `${options.hba ?? ''}\n${readFileSync(hba, 'utf8')}`);
  const vectorBin = options.hasVectors === true ? pgvectorBin(installation.version) : null;
  const server = new PrivateServer(vectorBin ?? installation.bin, folder, data, port);
  await server.start();
  await server.run(`create role ${server.role.user} login password '${server.role.password}'`);
  return server;
}

const placeOf = (folder: string, port: number): string[] => [
  `port = ${port}`,
  `unix_socket_directories = '${folder}'`,
];

/** The last value of a setting holds. */
const configure = (data: string, lines: readonly string[]): void =>
  appendFileSync(join(data, 'postgresql.conf'), `${lines.join('\n')}\n`);

class PrivateServer implements PostgresServer {
  readonly role = { user: 'gatehouse', password: 'p:a ss@/#%ㅎ' };
  readonly port: number;
  readonly data: string;
  readonly #bin: string;
  readonly #folder: string;
  #child: ChildProcess | null = null;
  #databases = 0;

  constructor(bin: string, folder: string, data: string, port: number) {
    this.#bin = bin;
    this.#folder = folder;
    this.data = data;
    this.port = port;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async createDatabase(settings = ''): Promise<string> {
    this.#databases += 1;
    const name = `test_${this.#databases}`;
    await this.run(`create database ${name} owner ${this.role.user} ${settings}`);
    return name;
  }

  urlOf(database: string, port = this.port): string {
    const { user, password } = this.role;
    return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  }

  async run(sql: string, database = 'postgres'): Promise<pg.QueryResult> {
    const client = new pg.Client({
      host: this.#folder,
      port: this.port,
      user: superuser,
      database,
      ssl: false,
    });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await client.query(sql);
    } finally {
      await client.end();
    }
  }

  adopt(folder: string): void {
    ownFolder(folder);
  }

  writeFile(name: string, text: string): void {
    const path = join(this.data, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (identity.uid !== undefined) chownSync(path, identity.uid, identity.gid);
  }

  async start(): Promise<void> {
    const child = spawn(join(this.#bin, 'postgres'), ['-D', this.data], {
      ...identity,
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000);
    });
    process.on('exit', this.#forget);
    await waitFor(async () => {
      if (child.exitCode !== null) throw new Error(`PostgreSQL did not start: ${output}`);
      return await this.#isUp();
    });
  }

  async crash(): Promise<void> {
    await this.#end('SIGQUIT');
  }

  async kill(): Promise<void> {
    const children = this.#processes().slice(1);
    await this.#end('SIGKILL', children);
  }

  freeze(isFrozen: boolean): void {
    for (const pid of this.#processes()) signalIfAlive(pid, isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }

  async startStandby(givenPort?: number): Promise<PostgresServer> {
    const folder = ownFolder();
    const [data, port] = [join(folder, 'data'), givenPort ?? (await freePort())];
    const source = ['-h', this.#folder, '-p', String(this.port), '-U', superuser];
    const options = ['-D', data, '--write-recovery-conf', '--checkpoint=fast', '--no-sync'];
    await promisify(execFile)(join(this.#bin, 'pg_basebackup'), [...source, ...options], {
      ...identity,
      cwd: folder,
      timeout: 60_000,
    });
    configure(data, placeOf(folder, port));
    const standby = new PrivateServer(this.#bin, folder, data, port);
    await standby.start();
    await this.run(`alter system set synchronous_standby_names = '*'`);
    await this.run('select pg_reload_conf()');
    const isSynchronous = `select 1 from pg_stat_replication where sync_state = 'sync'`;
    await waitFor(async () => (await this.run(isSynchronous)).rows.length > 0);
    return standby;
  }

  async promote(): Promise<void> {
    await this.run('select pg_promote()');
  }

  async remove(): Promise<void> {
    await this.#end('SIGQUIT');
    rmSync(this.data, { recursive: true, force: true });
    rmSync(this.#folder, { recursive: true, force: true });
  }

  readonly #forget = (): void => void this.#child?.kill('SIGQUIT');

  async #end(signal: NodeJS.Signals, children: readonly number[] = []): Promise<void> {
    const child = this.#child;
    process.off('exit', this.#forget);
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    for (const pid of children) signalIfAlive(pid, signal);
    await ended;
  }

  /** The postmaster and its children. */
  #processes(): number[] {
    if (this.#child === null || this.#child.exitCode !== null) return [];
    if (this.#child.signalCode !== null) return [];
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8');
    return [this.pid, ...children.split(' ').filter(Boolean).map(Number)];
  }

  #isUp(): Promise<boolean> {
    return this.run('select 1').then(
      () => true,
      () => false,
    );
  }
}

async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + startLimitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('PostgreSQL was not ready in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Creating a database writes hundreds of files: in memory that takes a tenth of the time, with `fsync` on or off. */
const scratchBytes = 1024 ** 3;

/** A folder that the server's user owns. */
function ownFolder(given?: string): string {
  const folder = given ?? mkdtempSync(join(memoryFolder(scratchBytes), 'gatehouse-postgres-'));
  if (identity.uid !== undefined) chownSync(folder, identity.uid, identity.gid);
  return folder;
}

function changeOwner(folder: string): void {
  if (identity.uid === undefined) return;
  chownSync(folder, identity.uid, identity.gid);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    chownSync(join(folder, name), identity.uid, identity.gid);
  }
}

/** A connection may end between the list of the processes and the signal. */
function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
