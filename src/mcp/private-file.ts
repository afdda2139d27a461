/**
 * Small JSON files beside the data that several processes write: the core, and the commands beside it. Each is replaced
 * as a whole, is readable only for its owner, and has one writer at a time.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
  const lock = new FileLock(path, writeMsMax);
  while (!lock.tryTake()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
  try {
    write();
  } finally {
    lock.release();
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
  const lock = new FileLock(path, workMsMax);
  while (!lock.tryTake()) await delay(waitMs);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

class FileLock {
  readonly #file: string;
  readonly #owner = randomUUID();
  readonly #ageMsMax: number;
  readonly #waitsUntil: number;

  /** @param ageMsMax a lock of this age was left by a process that has ended */
  constructor(path: string, ageMsMax: number) {
    this.#file = `${path}.lock`;
    this.#ageMsMax = ageMsMax;
    this.#waitsUntil = performance.now() + 2 * ageMsMax;
    mkdirSync(dirname(path), { recursive: true });
  }

  /** @throws Error of the file system, or if it was held by others for too long */
  tryTake(): boolean {
    try {
      writeFileSync(this.#file, this.#owner, { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
    }
    const found = statSync(this.#file, { throwIfNoEntry: false });
    if (found !== undefined && Date.now() - found.mtimeMs > this.#ageMsMax) this.#remove();
    if (performance.now() > this.#waitsUntil) {
      throw new Error(`${this.#file} is held by another process`);
    }
    return false;
  }

  /** Work that took longer than the age has lost the lock to another process, which keeps it. */
  release(): void {
    let owner = '';
    try {
      owner = readFileSync(this.#file, 'utf8');
    } catch {
      // It is gone.
    }
    if (owner === this.#owner) this.#remove();
  }

  #remove(): void {
    rmSync(this.#file, { force: true });
  }
}
