/** `gatehouse bridge CHANNEL`: runs the bridge to a chat as a separate process until a stop signal. */
import type { Channel } from '#app/channels';
import { setFlagsFromString } from 'node:v8';

export async function bridge(channel: Channel, configFile: string | undefined): Promise<void> {
  // A flood of messages creates much short-lived garbage: without this the young generation of V8 grows to 48 MB. It is
  // set before the modules of the bridge are loaded, because loading them would already let it grow.
  setFlagsFromString('--semi-space-growth-factor=1');
  const [{ loadConfig }, { openBridge }, { createLog }, { shutDownOnSignal }] = await Promise.all([
    import('#app/config/load-config'),
    import('#app/bridge'),
    import('#shared/log'),
    import('./graceful-shutdown.ts'),
  ]);
  const { config } = loadConfig(configFile);
  const log = createLog(config.logging);
  const opened = await openBridge(channel, config, log);
  // The signals have their handlers before a supervisor can read that the process is ready.
  const ended = shutDownOnSignal(log, () => opened.stop());
  log.info({ url: opened.url }, `the bridge to ${channel.title} is ready`);
  await ended;
}
