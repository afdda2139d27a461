/** Starts a bridge from a configuration: its channel, its database, its link to the core. */
import { startBridge, type Bridge } from '#channels/bridge';
import type { Config } from './config/config.ts';
import { dataFolderOf } from './config/database-settings.ts';
import { GatehouseError } from '#shared/errors';
import type { Log } from '#shared/log';
import { ChannelLink } from '#events/channel-link/channel-link';
import { openBridgeDatabase } from '#channels/store/bridge-database';
import { createBridgeStore } from '#channels/store/bridge-store';
import type { Channel } from './channels.ts';

/** @throws GatehouseError whose code names the cause of a failed start. */
export async function openBridge(channel: Channel, config: Config, log: Log): Promise<Bridge> {
  const { nats, locale } = config;
  if (nats.mode === 'off') {
    throw new GatehouseError('GH_CONFIG_INVALID', 'nats.mode: off, but the bridge needs NATS');
  }
  const { settings, adapter } = await channel.open(config, log);
  const database = openBridgeDatabase(settings.database);
  try {
    const started = await startBridge({
      channel: channel.name,
      adapter,
      settings,
      storage: createBridgeStore(database, Date.now),
      link: (onReply) =>
        new ChannelLink({
          config: nats,
          channel: channel.name,
          dataFolder: dataFolderOf(config),
          onReply,
          log,
        }),
      locale,
      log,
    });
    return {
      ...started,
      async stop() {
        await started.stop();
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}
