/** Graceful shutdown of a process: an orderly stop at the first signal, an immediate exit at a later one. */
import type { Log } from '#shared/log';

/** A parent that forwards Ctrl-C, such as npm, delivers the signal twice: this counts as one signal. */
const duplicateSignalMs = 1_000;

/** After a later signal or this timeout the process exits at once: the data on disk are consistent at any moment. */
const shutdownTimeoutMs = 15_000;

/** Resolves after the first signal, when `stop` has completed. */
export async function shutDownOnSignal(log: Log, stop: () => Promise<void>): Promise<void> {
  await firstSignal();
  log.info('stopping; what is in flight goes on after the next start');
  const forced = setTimeout(() => process.exit(1), shutdownTimeoutMs);
  await stop();
  clearTimeout(forced);
  log.info('stopped');
}

function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    let signalledAt: number | null = null;
    const onSignal = (): void => {
      if (signalledAt !== null && performance.now() - signalledAt > duplicateSignalMs)
        process.exit(1);
      signalledAt ??= performance.now();
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  });
}
