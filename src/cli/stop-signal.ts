/** How a process of ours ends: gently at the first signal, at once at a later one. */
import type { Log } from '../lib/log.ts';

/** Ctrl-C reaches a process twice where its parent passes it on too, as npm does: that is one signal. */
const echoMs = 1_000;

/** A later signal, or this long, and the process ends as it is: what is on disk is complete at any moment. */
const stopMsMax = 15_000;

/** Resolves when the first signal came and `stop` is done. */
export async function untilStopped(log: Log, stop: () => Promise<void>): Promise<void> {
  await firstSignal();
  log.info('stopping; what is in flight goes on after the next start');
  const forced = setTimeout(() => process.exit(1), stopMsMax);
  await stop();
  clearTimeout(forced);
  log.info('stopped');
}

function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    let askedAt: number | null = null;
    const onSignal = (): void => {
      if (askedAt !== null && performance.now() - askedAt > echoMs) process.exit(1);
      askedAt ??= performance.now();
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  });
}
