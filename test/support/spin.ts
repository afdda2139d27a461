/** The model checker Spin, which needs a C compiler (Debian packages spin, gcc and libc6-dev). */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram, preparePackages } from './debian-package.ts';
import { scratchFolder } from './journal.ts';
import { projectRoot } from './project-root.ts';

const isThere = (): boolean => findProgram('spin') !== null && findProgram('gcc') !== null;

/** Installs Spin if that is allowed. Returns why it is missing, or null. */
export const prepareSpin = (): string | null =>
  preparePackages('Spin', isThere, ['spin', 'gcc', 'libc6-dev']);

/** Why tests with Spin must be skipped, or null. */
export const spinMissing = (): string | null => (isThere() ? null : 'spin or gcc is missing');

const pathOf = (model: string): string => join(projectRoot, 'docs', model);

/** The faults that a model in docs/ can be given, as the head of its file names them. */
export const faultsOf = (model: string): string[] => [
  ...new Set(readFileSync(pathOf(model), 'utf8').match(/(?<=-D)[A-Z]+/g)),
];

/**
 * Checks one property of a model in docs/ over all interleavings.
 *
 * @param fault as `faultsOf` names it
 * @param isFair under weak fairness
 * @returns the number of errors, 1 at most: Spin ends at the first
 */
export async function spinErrors(
  model: string,
  property: string,
  { fault, isFair = false }: { fault?: string; isFair?: boolean } = {},
): Promise<number> {
  const folder = scratchFolder();
  try {
    const { stdout } = await promisify(execFile)(
      'spin',
      [
        ...(fault === undefined ? [] : [`-D${fault}`]),
        '-search',
        // Weak fairness with more than six processes.
        ...(isFair ? ['-DNFAIR=3', '-f'] : []),
        '-ltl',
        property,
        pathOf(model),
      ],
      { cwd: folder.path, timeout: 60_000 },
    );
    return Number(/errors: (\d+)/.exec(stdout)?.[1]);
  } finally {
    folder.remove();
  }
}
