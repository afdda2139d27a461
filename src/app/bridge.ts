/** Starts the Synology bridge from a configuration: its database, its link to the core, its TLS trust. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { startBridge, type Bridge } from '#channels/bridge';
import { channel } from '#channels/core-link-port';
import type { Config } from './config/config.ts';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import type { TlsTrust } from '#shared/tls-options';
import { createChannelLink } from '#events/channel-link/channel-link';
import { openBridgeDatabase } from '#channels/store/bridge-database';
import { createBridgeStore } from '#channels/store/bridge-store';

/** @throws GatehouseError whose code names the cause of a failed start. */
export async function openBridge(config: Config, log: Log): Promise<Bridge> {
  const { synology, nats, locale } = config;
  if (nats.mode === 'off') {
    throw new GatehouseError('GH_CONFIG_INVALID', 'nats.mode: off, but the bridge needs NATS');
  }
  const trust = trustOf(config);
  const database = openBridgeDatabase(synology.database);
  try {
    const started = await startBridge({
      settings: synology,
      storage: createBridgeStore(database, Date.now),
      link: (onReply) =>
        createChannelLink({
          config: nats,
          channel,
          dataFolder: dirname(config.database),
          onReply,
          log,
        }),
      trust,
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

/** @throws GH_CONFIG_INVALID */
export function trustOf({ synology: { caFile, fingerprint256 } }: Config): TlsTrust {
  try {
    return {
      ca: caFile === null ? undefined : readFileSync(caFile, 'utf8'),
      fingerprint256: fingerprint256 ?? undefined,
    };
  } catch (error) {
    throw new GatehouseError('GH_CONFIG_INVALID', `synology.caFile: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
