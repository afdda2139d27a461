/**
 * Small JSON files beside the data that several processes write: the core, and the commands beside it. Each is replaced
 * as a whole, is readable only for its owner, and has one writer at a time.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Changes whenever the file does; empty: there is none. */
export function fileVersion(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino} ${found.mtimeMs} ${found.size}`;
}

/** @throws Error of the file system */
export function replacePrivateFile(path: string, value: unknown): void {
  const temporary = `${path}.${randomUUID()}`;
  try {
    const text = `${JSON.stringify(value, null, 2)}\n`;
    writeFileSync(temporary, text, { mode: 0o600, flush: true });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** A write takes milliseconds: a lock of this age was left by a process that ended in its write. */
const writeMsMax = 5_000;
const waitMs = 10;

/**
 * One writer at a time, over all processes: else what one of them has added would be lost. Blocks the thread for the
 * write of the other. @throws Error of the file system, or if the lock is not given
 */
export function withWriteLock(path: string, write: () => void): void {
  const lock = `${path}.lock`;
  const waitsUntil = performance.now() + 2 * writeMsMax;
  mkdirSync(dirname(path), { recursive: true });
  while (!tryLock(lock)) {
    removeOldLock(lock, writeMsMax);
    if (performance.now() > waitsUntil) throw new Error(`${lock} is held by another process`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
  }
  try {
    write();
  } finally {
    rmSync(lock, { force: true });
  }
}

/**
 * One at a time, over all processes, for work that waits for others.
 * @param workMsMax a lock of this age was left by a process that ended in its work
 * @throws Error of the file system, or if the lock is not given
 */
export async function exclusively<Value>(
  path: string,
  workMsMax: number,
  work: () => Promise<Value>,
): Promise<Value> {
  const lock = `${path}.lock`;
  const waitsUntil = performance.now() + 2 * workMsMax;
  mkdirSync(dirname(path), { recursive: true });
  while (!tryLock(lock)) {
    removeOldLock(lock, workMsMax);
    if (performance.now() > waitsUntil) throw new Error(`${lock} is held by another process`);
    await delay(waitMs);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function tryLock(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx', 0o600));
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') return false;
    throw error;
  }
}

function removeOldLock(lock: string, ageMsMax: number): void {
  const found = statSync(lock, { throwIfNoEntry: false });
  if (found !== undefined && Date.now() - found.mtimeMs > ageMsMax) rmSync(lock, { force: true });
}
