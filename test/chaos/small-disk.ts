/**
 * A separate file system that can really be filled. Needs the right to mount; without it a plain folder is used,
 * and the disk is never full.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, statfsSync } from 'node:fs';

export interface SmallDisk {
  readonly path: string;
  readonly canFill: boolean;
  /** Limits the free space to about `bytes`. */
  fill(bytes: number): void;
  free(): void;
  setReadOnly(isReadOnly: boolean): void;
  unmount(): void;
}

/** tmpfs uses memory only for written data. */
const roomy = '4g';

export function openSmallDisk(path: string): SmallDisk {
  mkdirSync(path, { recursive: true });
  const canFill = mount(['-t', 'tmpfs', '-o', `size=${roomy}`, 'tmpfs', path]);
  const resize = (size: string | number): boolean =>
    canFill && mount(['-o', `remount,size=${size}`, path]);
  const unmount = (): void => {
    process.off('exit', unmount);
    if (canFill) execFileSync('umount', ['-l', path], { stdio: 'ignore', timeout: 20_000 });
  };
  process.on('exit', unmount);
  return {
    path,
    canFill,
    unmount,
    fill(bytes) {
      const { blocks, bfree, bsize } = statfsSync(path);
      resize((blocks - bfree) * bsize + bytes);
    },
    free: () => void resize(roomy),
    setReadOnly: (isReadOnly) => void mount(['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, path]),
  };
}

function mount(args: readonly string[]): boolean {
  try {
    execFileSync('mount', args, { stdio: 'ignore', timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}
