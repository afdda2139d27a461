import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after `ms`, or when the signal aborts. Never rejects. `ref: false`: does not keep the process alive. */
export async function abortableSleep(
  ms: number,
  signal: AbortSignal,
  options: { ref?: boolean } = {},
): Promise<void> {
  try {
    await sleep(ms, undefined, { ...options, signal });
  } catch {
    // Aborted: the caller checks the signal.
  }
}
