/** The model checker Spin, which needs a C compiler (Debian packages spin, gcc and libc6-dev). */
import { findProgram, preparePackages } from './debian-package.ts';

const isThere = (): boolean => findProgram('spin') !== null && findProgram('gcc') !== null;

/** Installs Spin if that is allowed. Returns why it is missing, or null. */
export const prepareSpin = (): string | null =>
  preparePackages('Spin', isThere, ['spin', 'gcc', 'libc6-dev']);

/** Why tests with Spin must be skipped, or null. */
export const spinMissing = (): string | null => (isThere() ? null : 'spin or gcc is missing');
