/** Temporary folders in memory: an fsync there costs nothing, and no test cuts the power. */
import { readFileSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const memory = '/dev/shm';

/** A folder in memory with so many bytes free in which programs may be executed, else the system's temporary folder. */
export function memoryFolder(bytesFree: number): string {
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
    const [, , , options = 'noexec'] =
      mounts.find((line) => line.split(' ')[1] === memory)?.split(' ') ?? [];
    if (options.split(',').includes('noexec')) return tmpdir();
    const { bavail, bsize } = statfsSync(memory);
    return bavail * bsize > bytesFree ? memory : tmpdir();
  } catch {
    // Not on this platform.
    return tmpdir();
  }
}
