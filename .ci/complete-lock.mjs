#!/usr/bin/env node
/**
 * Adds to package-lock.json the builds for other platforms that the registry of this machine did not offer when the
 * lock was made: npm leaves them out of the lock then, and `npm ci` refuses such a lock everywhere. Run it after every
 * change of dependencies.
 *
 * The platform of a build (os, cpu, libc) comes from any version that the registry has, else from its name.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));

const systems = [
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'aix',
  'win32',
];
const processors = {
  arm64: 'arm64',
  arm: 'arm',
  ia32: 'ia32',
  loong64: 'loong64',
  mips64el: 'mips64el',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  x64: 'x64',
  wasm32: 'wasm32',
};

function fromName(name) {
  const os = systems.filter((system) => name.includes(system));
  const cpu = Object.keys(processors).find((processor) =>
    new RegExp(`[-.]${processor}(?![a-z0-9])`).test(name),
  );
  return { ...(cpu ? { cpu: [cpu] } : {}), ...(os.length > 0 ? { os } : {}) };
}

function platformOf(name) {
  try {
    const shown = JSON.parse(
      execFileSync('npm', ['view', name, 'cpu', 'os', 'libc', '--json'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
    const { cpu, os, libc } = shown;
    if (cpu || os) return { cpu, os, libc };
  } catch {
    // The registry has no version: the name contains the same information.
  }
  return fromName(name);
}

const list = (value) => (value === undefined ? undefined : [value].flat());
let added = 0;
for (const [where, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (`node_modules/${name}` in lock.packages || `${where}/node_modules/${name}` in lock.packages)
      continue;
    const { cpu, os, libc } = platformOf(name);
    lock.packages[`node_modules/${name}`] = {
      version: range.replace(/^[\^~]/, ''),
      ...(cpu ? { cpu: list(cpu) } : {}),
      ...(entry.dev ? { dev: true } : {}),
      ...(libc ? { libc: list(libc) } : {}),
      optional: true,
      ...(os ? { os: list(os) } : {}),
    };
    added += 1;
    console.log(`added ${name}`);
  }
}
const { '': root, ...rest } = lock.packages;
lock.packages = {
  '': root,
  ...Object.fromEntries(Object.entries(rest).sort(([a], [b]) => a.localeCompare(b, 'en'))),
};
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} added`);
