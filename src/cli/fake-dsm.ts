/** `gatehouse fake-dsm`: runs a simulated Synology Chat with a web page, to try the bridge, until a stop signal. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { GatehouseError, messageOf } from '#shared/errors';
import { certificateFile } from '#simulators/synology-chat/certificate';
import { startFakeDsm, type FakeDsmOptions } from '#simulators/synology-chat/fake-dsm';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import { UsageError } from '#http/client/core-client';

/** Next to the default ports of the core and the bridge. */
const usualPort = 8_110;
const usualBridge = 'http://127.0.0.1:8101/webhook/synology';

export interface FakeDsmValues {
  port?: string | undefined;
  'page-port'?: string | undefined;
  host?: string | undefined;
  bridge?: string | undefined;
  token?: string | undefined;
  tls: boolean;
  'tls-folder'?: string | undefined;
  storm?: string | undefined;
}

export async function fakeDsm(values: FakeDsmValues, json: boolean): Promise<void> {
  const options = optionsOf(values);
  if (options.tls !== true || options.tlsFolder !== undefined) return serve(options, json);
  // The bridge reads the certificate that it trusts from a file.
  const tlsFolder = mkdtempSync(join(tmpdir(), 'fake-dsm-'));
  try {
    return await serve({ ...options, tlsFolder }, json);
  } finally {
    rmSync(tlsFolder, { recursive: true, force: true });
  }
}

async function serve(options: FakeDsmOptions, json: boolean): Promise<void> {
  const dsm = await start(options);
  const config = configOf(dsm, options.tlsFolder);
  console.log(
    json
      ? JSON.stringify({ url: dsm.url, pageUrl: dsm.pageUrl, synology: config })
      : instructions(dsm, config),
  );
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await dsm.close();
}

function optionsOf(values: FakeDsmValues): FakeDsmOptions {
  const { host, bridge = usualBridge, tls } = values;
  // The default token is public: on an address beyond this machine it would open the bridge to everyone.
  const token = values.token ?? (host === undefined ? undefined : freshToken());
  const port = portOf('--port', values.port, usualPort);
  const pagePort = portOf('--page-port', values['page-port'], port === 0 ? 0 : port + 1);
  if (!URL.canParse(bridge)) throw new UsageError(`--bridge: ${bridge} is not an address`);
  const rate = Number(values.storm ?? 0);
  if (!(rate >= 0 && rate <= 1)) {
    throw new UsageError(`--storm: expected a part from 0 to 1, found ${values.storm}`);
  }
  const folder = values['tls-folder'];
  return {
    port,
    pagePort,
    bridgeUrl: bridge,
    tls: tls || folder !== undefined,
    ...(host === undefined ? {} : { host }),
    ...(token === undefined ? {} : { token }),
    ...(folder === undefined ? {} : { tlsFolder: folder }),
    ...(rate === 0 ? {} : { storm: { seed: 1, rate } }),
  };
}

/** 64 characters, as in Chat. */
const freshToken = (): string => randomBytes(48).toString('base64url');

function portOf(option: string, given: string | undefined, usual: number): number {
  const port = Number(given ?? usual);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UsageError(`${option}: expected a port from 0 to 65535, found ${given}`);
}

async function start(options: FakeDsmOptions): Promise<FakeDsm> {
  try {
    return await startFakeDsm(options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL' && code !== 'EACCES') throw error;
    throw new GatehouseError('GH_SERVER_PORT', messageOf(error), { cause: error });
  }
}

/** The bridge's section of a configuration for this NAS. */
function configOf(dsm: FakeDsm, tlsFolder: string | undefined) {
  const { users } = dsm.state();
  const tokenOf = (name: string): string =>
    decodeURIComponent(/%22(.*)%22$/.exec(dsm.apiUrl(name))?.[1] ?? '');
  const lab = {
    channelId: 2,
    incomingUrl: dsm.apiUrl('Lab in'),
    token: tokenOf('Lab out'),
    userIdMap: Object.fromEntries(users.map((user) => [user.webhookUserId, user.userId])),
  };
  return {
    incomingUrl: dsm.apiUrl(),
    token: tokenOf('Gatehouse'),
    allowedUserIds: users.map((user) => user.userId),
    channels: [lab],
    ...(dsm.fingerprint256 === null || tlsFolder === undefined
      ? {}
      : { caFile: resolve(certificateFile(tlsFolder)), fingerprint256: dsm.fingerprint256 }),
  };
}

function instructions(dsm: FakeDsm, config: ReturnType<typeof configOf>): string {
  const lines = Object.entries(config).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`);
  const [bot] = dsm.state().integrations;
  return `The chat is at    ${dsm.pageUrl}
The NAS is at     ${dsm.url}
It sends to       ${bot?.bridgeUrl}

In gatehouse.yaml, for the bridge:

synology:
${lines.join('\n')}
`;
}
