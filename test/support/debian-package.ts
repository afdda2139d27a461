/** Real servers for tests from Debian packages: installed if that is allowed, else reported as missing. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The path of the program, or null. Also searches the folders in which Debian installs daemons. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The program is not in this folder.
    }
  }
  return null;
}

/**
 * Installs the packages if the program is missing and this process may install (root, with apt-get).
 * Returns why the program is still missing, or null.
 */
export const prepareProgram = (program: string, packages: readonly string[]): string | null =>
  preparePackages(program, () => findProgram(program) !== null, packages);

/** The same for other packages, for example a library. `isThere` tests whether it can be used. */
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
