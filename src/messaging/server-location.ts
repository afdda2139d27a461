/**
 * Which server to talk to, by the mode of the configuration: the configured one, one of our own, or none.
 * A server that is merely there is never used: only an address that was given, or a process that we started.
 */
import { GatehouseError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { serverOf, type Server } from './credentials.ts';
import { ownServerAddress } from './own-server-files.ts';
import { createOwnServer, serverVersion, type OwnServer } from './own-server.ts';
import type { MessagingConfig, MessagingOptions } from './ports.ts';

export interface ServerLocation {
  /** Null: there is none, and none is wanted. Starts our own server where that is the mode. */
  locate(signal: AbortSignal): Promise<Server | null>;
  /** Without credentials; null until it is known. */
  readonly url: string | null;
  /** Of our own server, while it runs. */
  readonly pid: number | null;
  stop(): Promise<void>;
}

/** NATS's own default: where people look first. */
const usualPort = 4222;
const usualUrl = `nats://127.0.0.1:${usualPort}`;

/** @throws GH_CONFIG_INVALID */
export function createServerLocation(
  options: Pick<MessagingOptions, 'config' | 'dataFolder' | 'ownServer' | 'log'>,
): ServerLocation {
  const { log } = options;
  const configured = configuredServer(options.config);
  const { command = 'nats-server', port = usualPort } = options.ownServer ?? {};
  let own: OwnServer | null = null;
  let url = configured?.url ?? null;

  const ensureOwn = async (signal: AbortSignal): Promise<Server> => {
    own ??= createOwnServer({ dataFolder: options.dataFolder, command, port, log });
    const server = await own.ensure(signal);
    url = server.url;
    return server;
  };

  return {
    async locate(signal) {
      if (options.config.mode === 'off') return null;
      if (configured !== null) return configured;
      if (own === null && (await serverVersion(command)) === null)
        return absent(options.config, log);
      return ensureOwn(signal);
    },
    get url() {
      return url;
    },
    get pid() {
      return own?.pid ?? null;
    },
    async stop() {
      await own?.stop();
    },
  };
}

/** What helps where neither an address is configured nor the core runs a server. */
export const noServerAdvice = 'install nats-server, so that the core starts one, or set nats.url';

/**
 * The server for another process of ours, which starts none: the configured one, else the one that the core
 * has started. Null only where the mode is `off`.
 * @throws GH_CONFIG_INVALID; GH_BUS_NO_SERVER while the core has not started one.
 */
export async function locateForClient(
  config: MessagingConfig,
  dataFolder: string,
): Promise<Server | null> {
  if (config.mode === 'off') return null;
  const server = configuredServer(config) ?? ownServerAddress(dataFolder);
  if (server !== null) return server;
  throw new GatehouseError(
    'GH_BUS_NO_SERVER',
    `no nats.url, and the core runs no server in ${dataFolder}: ${noServerAdvice}`,
  );
}

function configuredServer(config: MessagingConfig): Server | null {
  const { mode, url } = config;
  if (mode === 'external') return serverOf({ ...config, url: url ?? usualUrl });
  return mode === 'auto' && url !== null ? serverOf({ ...config, url }) : null;
}

/** @throws GH_BUS_NO_SERVER where one is asked for. */
function absent({ mode }: MessagingConfig, log: Log): null {
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
