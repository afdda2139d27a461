/** `gatehouse serve`: the core, until it is told to stop. */
import { setFlagsFromString } from 'node:v8';
import { loadConfig } from '../config/load-config.ts';
import { loadTracing } from '../config/tracing.ts';
import { bannerOf } from './banner.ts';
import { startCore } from '../core/core.ts';
import { createLog } from '../lib/log.ts';
import { untilStopped } from './stop-signal.ts';

/** Longer than a log line needs to be written. */
const lingerMs = 500;

export async function serve(configFile: string | undefined): Promise<number> {
  // A hundred jobs in flight look to V8 as if such objects lived for ever: it makes them old at birth, and each
  // then keeps alive what it points to. Without this up to a fifth of a job's CPU is the garbage collector's.
  setFlagsFromString('--no-allocation-site-pretenuring');
  const { config, file } = loadConfig(configFile);
  const log = createLog(config.logging);
  const { settings: tracing, warnings } = loadTracing();
  for (const warning of warnings) log.warn(warning);
  const core = await startCore({ config, log, tracing });
  log.info({ url: core.url, config: file ?? 'embedded defaults' }, 'gatehouse is ready');
  if (process.stderr.isTTY) process.stderr.write(bannerOf(core, config));
  if (core.pool.origin === 'practice') {
    log.warn('no model server was found: the built-in practice model answers');
  }
  await untilStopped(log, () => core.stop());
  // What still holds the process then is a collector of traces that does not answer.
  if (tracing !== null) setTimeout(() => process.exit(), lingerMs).unref();
  return 0;
}
