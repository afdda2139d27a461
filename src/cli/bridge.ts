/** `gatehouse bridge synology`: runs the Synology Chat bridge as a separate process until a stop signal. */
import { setFlagsFromString } from 'node:v8';
import { loadConfig } from '#app/config/load-config';
import { createLog } from '#shared/log';
import { shutDownOnSignal } from './graceful-shutdown.ts';
import { openBridge } from '#app/bridge';

export async function bridge(configFile: string | undefined): Promise<number> {
  // A flood of messages creates much short-lived garbage: without this the young generation of V8 grows to 48 MB.
  setFlagsFromString('--semi-space-growth-factor=1');
  const { config } = loadConfig(configFile);
  const log = createLog(config.logging);
  const opened = await openBridge(config, log);
  log.info({ url: opened.url }, 'the Synology bridge is ready');
  await shutDownOnSignal(log, () => opened.stop());
  return 0;
}
