/**
 * Which server, and as whom: from the configuration to the client's options. Credential files are read
 * at every attempt, so that a renewed one counts without a restart. Secrets never leave this file but to the client.
 */
import { readFile } from 'node:fs/promises';
import { credsAuthenticator, type ConnectionOptions } from 'nats';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { MessagingConfig } from './ports.ts';

/** Everything that a connection is made from. */
export interface Server {
  /** For people and logs: without credentials. */
  url: string;
  servers: string[];
  /** Refuse a server that does not encrypt. */
  isTls: boolean;
  user: string | null;
  password: string | null;
  token: string | null;
  credsFile: string | null;
  caFile: string | null;
  certFile: string | null;
  keyFile: string | null;
}

/**
 * Takes the configured address apart. Credentials may stand in the URL; keys of their own go before them.
 * @throws GH_CONFIG_INVALID for a URL that is none.
 */
export function serverOf(config: MessagingConfig & { url: string }): Server {
  const parts = config.url
    .split(',')
    .map((one) => /^(?:([a-z+]+):\/\/)?(?:([^@/]*)@)?([^@/\s]+?)\/?$/i.exec(one.trim()));
  const addresses: string[] = [];
  const schemes = new Set<string>();
  let [user, password, token] = [config.user, config.password, config.token];
  for (const part of parts) {
    const scheme = (part?.[1] ?? 'nats').toLowerCase();
    if (part === null || !['nats', 'tls'].includes(scheme)) throw notAnAddress();
    addresses.push(part[3] ?? '');
    schemes.add(scheme);
    if (part[2] === undefined || part[2] === '') continue;
    const [name = '', secret] = part[2].split(':').map(decoded);
    if (secret === undefined) token ??= name;
    else if (user === null) [user, password] = [name, secret];
  }
  const isTls = schemes.has('tls') || [config.caFile, config.certFile].some((file) => !!file);
  return {
    url: addresses.map((address) => `${isTls ? 'tls' : 'nats'}://${address}`).join(','),
    servers: addresses,
    isTls,
    user,
    password,
    token,
    credsFile: config.credsFile,
    caFile: config.caFile ?? null,
    certFile: config.certFile ?? null,
    keyFile: config.keyFile ?? null,
  };
}

/** @throws GH_CONFIG_INVALID for a file that cannot be read. */
export async function connectionOptions(server: Server): Promise<ConnectionOptions> {
  const { user, password, token, credsFile, caFile, certFile, keyFile } = server;
  const creds = await content(credsFile, 'nats.credsFile');
  const [ca, cert, key] = await Promise.all([
    content(caFile, 'nats.caFile'),
    content(certFile, 'nats.certFile'),
    content(keyFile, 'nats.keyFile'),
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

async function content(path: string | null, key: string): Promise<Buffer | null> {
  if (path === null) return null;
  try {
    return await readFile(path);
  } catch (error) {
    throw new GatehouseError('GH_CONFIG_INVALID', `${key}: ${messageOf(error)}`, { cause: error });
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// The text itself is not shown: there may be a password in it.
const notAnAddress = (): GatehouseError =>
  new GatehouseError(
    'GH_CONFIG_INVALID',
    'nats.url: expected nats://host:port or tls://host:port, or several with commas between',
  );
