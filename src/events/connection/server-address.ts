/**
 * Server address and credentials: from the configuration to the client's options. Credential files are read at every
 * attempt, so that a renewed file is used without a restart. Secrets are passed only to the client.
 */
import { readFile } from 'node:fs/promises';
import { credsAuthenticator, type ConnectionOptions } from 'nats';
import { GatehouseError, messageOf } from '#shared/errors';
import type { MessagingConfig } from '../messaging-port.ts';

/** All settings of a connection. */
export interface NatsServerAddress extends Omit<MessagingConfig, 'mode' | 'prefix'> {
  /** For display and logs: without credentials. */
  url: string;
  servers: string[];
  /** Refuse a server that does not encrypt. */
  isTls: boolean;
}

/**
 * Parses the configured address. Credentials in the URL are overridden by their own configuration keys.
 * @throws GH_CONFIG_INVALID for an invalid URL.
 */
export function parseServerAddress(config: MessagingConfig & { url: string }): NatsServerAddress {
  const parts = config.url
    .split(',')
    .map((one) => /^(?:([a-z+]+):\/\/)?(?:([^@/]*)@)?([^@/\s]+?)\/?$/i.exec(one.trim()));
  const addresses: string[] = [];
  const schemes = new Set<string>();
  let [user, password, token] = [config.user, config.password, config.token];
  for (const part of parts) {
    const scheme = (part?.[1] ?? 'nats').toLowerCase();
    if (part === null || !['nats', 'tls'].includes(scheme)) throw invalidAddressError();
    addresses.push(part[3] ?? '');
    schemes.add(scheme);
    if (part[2] === undefined || part[2] === '') continue;
    const [name = '', secret] = part[2].split(':').map(decodeUserInfo);
    if (secret === undefined) token ??= name;
    else if (user === null) [user, password] = [name, secret];
  }
  const isTls = schemes.has('tls') || [config.caFile, config.certFile].some((file) => !!file);
  return {
    ...config,
    url: addresses.map((address) => `${isTls ? 'tls' : 'nats'}://${address}`).join(','),
    servers: addresses,
    isTls,
    user,
    password,
    token,
  };
}

/** @throws GH_CONFIG_INVALID for a file that cannot be read. */
export async function connectionOptions(server: NatsServerAddress): Promise<ConnectionOptions> {
  const { user, password, token, credsFile, caFile, certFile, keyFile } = server;
  const creds = await readCredentialFile(credsFile, 'nats.credsFile');
  const [ca, cert, key] = await Promise.all([
    readCredentialFile(caFile, 'nats.caFile'),
    readCredentialFile(certFile, 'nats.certFile'),
    readCredentialFile(keyFile, 'nats.keyFile'),
  ]);
  const tls = {
    ...(ca === null ? {} : { ca: ca.toString() }),
    ...(cert === null ? {} : { cert: cert.toString() }),
    ...(key === null ? {} : { key: key.toString() }),
  };
  return {
    servers: server.servers,
    ...(server.isTls ? { tls } : {}),
    ...(user === null ? {} : { user }),
    ...(password === null ? {} : { pass: password }),
    ...(token === null ? {} : { token }),
    ...(creds === null ? {} : { authenticator: credsAuthenticator(new Uint8Array(creds)) }),
  };
}

async function readCredentialFile(
  path: string | null | undefined,
  key: string,
): Promise<Buffer | null> {
  if (path === null || path === undefined) return null;
  try {
    return await readFile(path);
  } catch (error) {
    throw new GatehouseError('GH_CONFIG_INVALID', `${key}: ${messageOf(error)}`, { cause: error });
  }
}

function decodeUserInfo(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// Without the configured text: it may contain a password.
const invalidAddressError = (): GatehouseError =>
  new GatehouseError(
    'GH_CONFIG_INVALID',
    'nats.url: expected nats://host:port or tls://host:port, or several with commas between',
  );
