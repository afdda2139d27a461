/**
 * PostgreSQL with the extension pgvector for tests. Debian 12 has no package of it for its version 15: the source package of
 * Debian 13 is compiled, and put beside a copy of the server in `.cache/`, which finds its files relative to its program.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './project-root.ts';

const library = (version: number): string => join('usr', 'lib', 'postgresql', `${version}`);
const shared = (version: number): string => join('usr', 'share', 'postgresql', `${version}`);
const cacheOf = (version: number): string => join(projectRoot, '.cache', `pgvector-${version}`);

/** The folder of a server's programs that have the extension, or null. */
export function pgvectorBin(version: number): string | null {
  const roots = ['/', cacheOf(version)];
  const control = join(shared(version), 'extension', 'vector.control');
  const root = roots.find((one) => existsSync(join(one, control)));
  return root === undefined ? null : join(root, library(version), 'bin');
}

/** Builds it if that is allowed. Returns why it is missing, or null. */
export function preparePgvector(version: number): string | null {
  if (pgvectorBin(version) !== null) return null;
  if (process.getuid?.() !== 0) return 'pgvector is not installed, and only root may build it';
  const scratch = `${cacheOf(version)}.${process.pid}`;
  try {
    mkdirSync(scratch, { recursive: true });
    build(scratch, version);
    renameSync(scratch, cacheOf(version));
    return null;
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    return `pgvector cannot be built: ${(error as Error).message.split('\n')[0]}`;
  }
}

function build(root: string, version: number): void {
  const work = join(root, 'build');
  const run = (program: string, ...args: string[]): void =>
    void execFileSync(program, args, { cwd: work, stdio: 'ignore', timeout: 300_000 });
  const extracted = (name: RegExp): string => readdirSync(work).find((one) => name.test(one))!;
  for (const folder of ['lists/partial', 'archives/partial']) {
    mkdirSync(join(work, folder), { recursive: true });
  }
  run('apt-get', 'download', `postgresql-server-dev-${version}`);
  run('dpkg', '-x', extracted(/^postgresql-server-dev.*\.deb$/), 'headers');
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const source = `deb-src [signed-by=${keys}] http://deb.debian.org/debian trixie main\n`;
  writeFileSync(join(work, 'sources.list'), source);
  const settings = [
    `Dir::Etc::sourcelist=${join(work, 'sources.list')}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(work, 'lists')}`,
    `Dir::Cache=${work}`,
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  run('apt-get', ...settings, 'update');
  run('apt-get', ...settings, 'source', '--download-only', 'pgvector');
  run('tar', 'xf', extracted(/^pgvector_.*\.orig\.tar\.gz$/));
  install(root, work, join(work, extracted(/^pgvector-[\d.]+$/)), version);
  rmSync(work, { recursive: true });
}

function install(root: string, work: string, source: string, version: number): void {
  for (const folder of [library(version), shared(version)]) {
    cpSync(join('/', folder), join(root, folder), {
      recursive: true,
      filter: (path) => !path.endsWith('/bitcode'),
    });
  }
  const headers = join(work, 'headers', 'usr', 'include', 'postgresql');
  const files = readdirSync(join(source, 'src')).filter((name) => name.endsWith('.c'));
  execFileSync(
    'gcc',
    [
      '-O2',
      '-shared',
      '-fPIC',
      '-D_GNU_SOURCE',
      `-I${join(source, 'src')}`,
      `-I${join(headers, `${version}`, 'server')}`,
      `-I${join(headers, 'internal')}`,
      ...files.map((name) => join(source, 'src', name)),
      '-o',
      join(root, library(version), 'lib', 'vector.so'),
    ],
    { stdio: 'ignore', timeout: 300_000 },
  );
  const extension = join(root, shared(version), 'extension');
  cpSync(join(source, 'vector.control'), join(extension, 'vector.control'));
  const release = source.split('-').at(-1)!;
  cpSync(join(source, 'sql', 'vector.sql'), join(extension, `vector--${release}.sql`));
}
