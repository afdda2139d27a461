/** `gatehouse serve`: the core, until it is told to stop. */
import { loadConfig } from '../config/load-config.ts';
import { startCore } from '../core/core.ts';
import { createLog } from '../lib/log.ts';

/** A second signal, or this long, and the process ends as it is: the journal is complete at any moment. */
const stopMsMax = 15_000;

export async function serve(configFile: string | undefined): Promise<number> {
  const { config, file } = loadConfig(configFile);
  const log = createLog(config.logging);
  const core = await startCore({ config, log });
  log.info({ url: core.url, config: file ?? 'embedded defaults' }, 'gatehouse is ready');
  if (core.pool.origin === 'practice') {
    log.warn('no model server was found: the built-in practice model answers');
  }
  await stopSignal();
  log.info('stopping; what is in flight goes on after the next start');
  const forced = setTimeout(() => process.exit(1), stopMsMax);
  void stopSignal().then(() => process.exit(1));
  await core.stop();
  clearTimeout(forced);
  log.info('stopped');
  return 0;
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
