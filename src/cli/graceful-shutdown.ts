/** Graceful shutdown of a process: an orderly stop at the first signal, an immediate exit at a later one. */
import type { Log } from '#shared/log';

/** A parent that forwards Ctrl-C, such as npm, delivers the signal twice: this counts as one signal. */
const duplicateSignalMs = 1_000;

/** After a later signal or this timeout the process exits at once: the data on disk are consistent at any moment. */
const shutdownTimeoutMs = 15_000;

/**
 * Installs the handlers of the signals before it returns its promise.
 * Resolves when `stop` has completed, after the first signal, or after `lost` has resolved: then with its error.
 * @param whatFollows what becomes of the work in flight, for the log
 */
export async function shutDownOnSignal<Loss extends Error = never>(
  log: Log,
  stop: () => Promise<void>,
  lost: Promise<Loss> = new Promise(() => undefined),
  whatFollows = 'what is in flight goes on after the next start',
): Promise<Loss | null> {
  const error = await Promise.race([firstSignal(), lost]);
  if (error !== null) log.error({ error: error.message }, 'the core stops');
  else log.info(`stopping; ${whatFollows}`);
  const forced = setTimeout(() => {
    log.warn({ ms: shutdownTimeoutMs }, 'the stop takes too long; exits at once');
    process.exit(1);
  }, shutdownTimeoutMs);
  await stop();
  clearTimeout(forced);
  log.info('stopped');
  return error;
}

function firstSignal(): Promise<null> {
  return new Promise((resolve) => {
    let signalledAt: number | null = null;
    const onSignal = (): void => {
      if (signalledAt !== null && performance.now() - signalledAt > duplicateSignalMs)
        process.exit(1);
      signalledAt ??= performance.now();
      resolve(null);
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  });
}
