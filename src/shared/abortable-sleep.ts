import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after `ms`, or when the signal aborts. Never rejects. */
export async function abortableSleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // Aborted: the caller checks the signal.
  }
}
