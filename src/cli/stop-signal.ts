/** How a process of ours ends: gently at the first signal, at once at the second. */
import type { Log } from '../lib/log.ts';

/** A second signal, or this long, and the process ends as it is: what is on disk is complete at any moment. */
const stopMsMax = 15_000;

/** Resolves when the first signal came and `stop` is done. */
export async function untilStopped(log: Log, stop: () => Promise<void>): Promise<void> {
  await stopSignal();
  log.info('stopping; what is in flight goes on after the next start');
  const forced = setTimeout(() => process.exit(1), stopMsMax);
  void stopSignal().then(() => process.exit(1));
  await stop();
  clearTimeout(forced);
  log.info('stopped');
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
