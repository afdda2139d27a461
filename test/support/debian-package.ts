/** Real servers for tests from Debian packages: installed where that is allowed, else named as missing. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The program's path, or null. Looks where Debian puts daemons too. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return null;
}

/**
 * Installs the packages if the program is missing and this process may (root, with apt-get at hand).
 * Returns why the program is not there afterwards, or null if it is.
 */
export const prepareProgram = (program: string, packages: readonly string[]): string | null =>
  preparePackages(program, () => findProgram(program) !== null, packages);

/** The same for what is no program, such as a library. `isThere` says whether it can be used. */
export function preparePackages(
  name: string,
  isThere: () => boolean,
  packages: readonly string[],
): string | null {
  if (isThere()) return null;
  if (process.getuid?.() !== 0) return `${name} is not installed, and only root may install it`;
  if (findProgram('apt-get') === null) return `${name} is not installed, and there is no apt-get`;
  const run = (args: string[]): boolean =>
    spawnSync('apt-get', args, {
      stdio: 'ignore',
      timeout: 300_000,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    }).status === 0;
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  if (!run(install)) {
    run(['update']);
    run(install);
  }
  return isThere() ? null : `${packages.join(', ')} could not be installed`;
}
