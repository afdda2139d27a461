/** `gatehouse fake-dsm`: runs a simulated Synology Chat with a web page, to try the bridge, until a stop signal. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { certificateFile } from '#simulators/synology-chat/certificate';
import { startFakeDsm, type FakeDsmOptions } from '#simulators/synology-chat/fake-dsm';
import type { FakeDsm } from '#simulators/synology-chat/dsm-controls';
import { UsageError } from '#http/client/core-client';
import {
  runUntilStopped,
  sectionLines,
  simulatorOptions,
  started,
  type SimulatorValues,
} from './simulator-command.ts';

/** Next to the default ports of the core and the bridge. */
const usualPort = 8_110;
const usualBridge = 'http://127.0.0.1:8101/webhook/synology';

export interface FakeDsmValues extends SimulatorValues {
  bridge?: string | undefined;
  tls: boolean;
  'tls-folder'?: string | undefined;
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
  const dsm = await started(() => startFakeDsm(options));
  const config = configOf(dsm, options.tlsFolder);
  const text = json
    ? JSON.stringify({ url: dsm.url, pageUrl: dsm.pageUrl, synology: config })
    : instructions(dsm, config);
  await runUntilStopped(dsm, text);
}

function optionsOf(values: FakeDsmValues): FakeDsmOptions {
  const { host, bridge = usualBridge, tls } = values;
  // The default token is public: on an address beyond this machine it would open the bridge to everyone.
  const token = values.token ?? (host === undefined ? undefined : freshToken());
  const common = simulatorOptions(values, usualPort);
  if (!URL.canParse(bridge)) throw new UsageError(`--bridge: ${bridge} is not an address`);
  const folder = values['tls-folder'];
  return {
    ...common,
    bridgeUrl: bridge,
    tls: tls || folder !== undefined,
    ...(token === undefined ? {} : { token }),
    ...(folder === undefined ? {} : { tlsFolder: folder }),
  };
}

/** 64 characters, as in Chat. */
const freshToken = (): string => randomBytes(48).toString('base64url');

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
  const [bot] = dsm.state().integrations;
  return `The chat is at    ${dsm.pageUrl}
The NAS is at     ${dsm.url}
It sends to       ${bot?.bridgeUrl}

In gatehouse.yaml, for the bridge:

synology:
${sectionLines(config)}
`;
}
