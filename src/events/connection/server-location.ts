/**
 * Chooses the server by `nats.mode`: the configured one, the embedded one, or none. A server that merely runs on the
 * machine is never used: only a configured address, or a process that the core has started.
 */
import { GatehouseError } from '#shared/errors';
import type { Log } from '#shared/log';
import { parseServerAddress, type NatsServerAddress } from './server-address.ts';
import { embeddedServerAddress } from '../embedded-server/embedded-server-files.ts';
import {
  createEmbeddedNatsServer,
  serverVersion,
  type EmbeddedNatsServer,
} from '../embedded-server/embedded-server.ts';
import type { MessagingConfig, MessagingOptions } from '../messaging-port.ts';

export interface ServerLocation {
  /** Starts the embedded server if the mode requires it. Null: messaging runs without a server. */
  locate(signal: AbortSignal): Promise<NatsServerAddress | null>;
  /** Without credentials; null until known. */
  readonly url: string | null;
  /** Pid of the embedded server, while it runs. */
  readonly pid: number | null;
  stop(): Promise<void>;
}

/** NATS's default port: the first that clients try. */
const defaultPort = 4222;
const defaultUrl = `nats://127.0.0.1:${defaultPort}`;

/** @throws GH_CONFIG_INVALID */
export function createServerLocation(
  options: Pick<MessagingOptions, 'config' | 'dataFolder' | 'embeddedServer' | 'log'>,
): ServerLocation {
  const { log } = options;
  const configured = configuredServer(options.config);
  const { command = 'nats-server', port = defaultPort } = options.embeddedServer ?? {};
  let embedded: EmbeddedNatsServer | null = null;
  let url = configured?.url ?? null;

  const ensureEmbedded = async (signal: AbortSignal): Promise<NatsServerAddress> => {
    embedded ??= createEmbeddedNatsServer({ dataFolder: options.dataFolder, command, port, log });
    const server = await embedded.ensureRunning(signal);
    url = server.url;
    return server;
  };

  return {
    async locate(signal) {
      if (options.config.mode === 'off') return null;
      if (configured !== null) return configured;
      if (embedded === null && (await serverVersion(command)) === null)
        return reportAbsent(options.config, log);
      return ensureEmbedded(signal);
    },
    get url() {
      return url;
    },
    get pid() {
      return embedded?.pid ?? null;
    },
    async stop() {
      await embedded?.stop();
    },
  };
}

/** Advice when no address is configured and the core runs no server. */
export const noServerAdvice = 'install nats-server, so that the core starts one, or set nats.url';

/**
 * The server for a process that starts none itself: the configured one, else the embedded server of the core. Null
 * only if the mode is `off`.
 * @throws GH_CONFIG_INVALID; GH_BUS_NO_SERVER while the core has not started one.
 */
export async function locateForClient(
  config: MessagingConfig,
  dataFolder: string,
): Promise<NatsServerAddress | null> {
  if (config.mode === 'off') return null;
  const server = configuredServer(config) ?? embeddedServerAddress(dataFolder);
  if (server !== null) return server;
  throw new GatehouseError(
    'GH_BUS_NO_SERVER',
    `no nats.url, and the core runs no server in ${dataFolder}: ${noServerAdvice}`,
  );
}

function configuredServer(config: MessagingConfig): NatsServerAddress | null {
  const { mode, url } = config;
  if (mode === 'external') return parseServerAddress({ ...config, url: url ?? defaultUrl });
  return mode === 'auto' && url !== null ? parseServerAddress({ ...config, url }) : null;
}

/** @throws GH_BUS_NO_SERVER in mode `child`. */
function reportAbsent({ mode }: MessagingConfig, log: Log): null {
  if (mode === 'child') {
    throw new GatehouseError(
      'GH_BUS_NO_SERVER',
      'nats.mode is child, but nats-server is not on PATH: install it, or set nats.url',
    );
  }
  log.info(
    'no nats.url and no nats-server on PATH: running without NATS, events wait in the journal',
  );
  return null;
}
