/**
 * Reads the address of a PostgreSQL database: `postgres://user:password@host:5432/database`, with several hosts separated
 * by commas, as libpq has it. No message contains the address itself: it may hold a password.
 */
import { GatehouseError } from '#shared/errors';

export interface PostgresHost {
  /** Host name, address, or the folder of a unix socket. */
  host: string;
  port: number;
}

export interface PostgresAddress {
  hosts: PostgresHost[];
  user: string;
  /** Null when the address has none. */
  password: string | null;
  database: string;
  tls: 'off' | 'verified';
  /** PEM file of the authority to trust. */
  caFile: string | null;
  /** PEM files with which this client logs in. */
  clientCertificate: { certFile: string; keyFile: string } | null;
  /** TLS begins at once, without a question to the server (PostgreSQL 17). */
  isDirectTls: boolean;
  /** The login is bound to the TLS connection, where the server offers it. */
  bindsChannel: boolean;
  /** Settings of the session, as `-c name=value`. */
  options: string | null;
  applicationName: string | null;
  connectTimeoutMs: number | null;
}

const defaultPort = 5432;

const parameters = [
  'user',
  'password',
  'host',
  'port',
  'dbname',
  'sslmode',
  'ssl',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslnegotiation',
  'channel_binding',
  'gssencmode',
  'options',
  'application_name',
  'connect_timeout',
  'target_session_attrs',
] as const;

/**
 * A password may contain `@`, `/`, `?` and `#` as they are, although they should be percent-encoded: the login ends at
 * the first `@` after which hosts, database and parameters follow.
 */
const form =
  /^postgres(?:ql)?:\/\/(?:(?<login>.*?)@)?(?<hosts>[^@/?#]*)(?:\/(?<database>[^@/?#]*))?(?:\?(?<params>[^#]*))?$/is;

/** Any other text is a path. An address with a fault is still one: it is refused, and not taken for a file name. */
export const isPostgresAddress = (text: string): boolean => /^\s*postgres(?:ql)?:/i.test(text);

/** @throws GH_CONFIG_INVALID, with a message that says what is wrong and does not quote the address */
export function parsePostgresAddress(address: string): PostgresAddress {
  const groups = form.exec(address.trim())?.groups;
  if (groups === undefined) {
    throw invalid('must have the form postgres://user:password@host:5432/database');
  }
  const [, userPart = '', passwordPart] = /^([^:]*)(?::(.*))?$/s.exec(groups['login'] ?? '') ?? [];
  const params = new Map(new URLSearchParams(groups['params'] ?? ''));
  const take = (name: (typeof parameters)[number]): string | null => {
    const value = params.get(name) ?? null;
    params.delete(name);
    return value;
  };
  const user = take('user') ?? decoded(userPart);
  if (user === '') throw invalid('has no user: postgres://USER@host/database');
  const hosts = parseHosts(take('host') ?? decoded(groups['hosts'] ?? ''), take('port'));
  assertPrimary(take('target_session_attrs'));
  take('gssencmode');
  const tls = parseTls(take('sslmode'), take('ssl'));
  const caFile = take('sslrootcert');
  const parsed: PostgresAddress = {
    hosts,
    user,
    password: take('password') ?? (passwordPart === undefined ? null : decoded(passwordPart)),
    // As in libpq: the database is named as its user.
    database: take('dbname') ?? (decoded(groups['database'] ?? '') || user),
    tls,
    // In libpq the authorities of the system, which are the default here.
    caFile: caFile === 'system' ? null : caFile,
    clientCertificate: parseCertificate(take('sslcert'), take('sslkey')),
    isDirectTls: take('sslnegotiation') === 'direct',
    bindsChannel: parseChannelBinding(take('channel_binding'), tls),
    options: take('options'),
    applicationName: take('application_name'),
    connectTimeoutMs: parseTimeout(take('connect_timeout')),
  };
  if (params.size > 0) {
    throw invalid(`has a parameter that is not supported; supported: ${parameters.join(', ')}`);
  }
  return parsed;
}

/** `host:port/database`, without login: for messages. */
export const describeHost = ({ host, port }: PostgresHost, database: string): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;

/** Begins each message. */
export const addressSubject = 'The address of the PostgreSQL database ';

const invalid = (why: string): GatehouseError =>
  new GatehouseError('GH_CONFIG_INVALID', `${addressSubject}${why}`);

/** A `%` that begins no escape stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parseHosts(hosts: string, ports: string | null): PostgresHost[] {
  const givenPorts = ports?.split(',') ?? [];
  return hosts.split(',').map((item, index) => {
    const found = /^(?:\[(?<v6>[^\]]+)\]|(?<name>\/.*|[^:]*))(?::(?<port>\d*))?$/.exec(item.trim());
    if (found === null) {
      throw invalid('has a host or port that cannot be read; in a password write %40 for @');
    }
    const { v6, name, port } = found.groups ?? {};
    const number = Number(port || (givenPorts[index] ?? givenPorts.at(-1) ?? '') || defaultPort);
    if (!Number.isInteger(number) || number < 1 || number > 65_535) {
      throw invalid('has a port that is not a number from 1 to 65535');
    }
    return { host: v6 ?? (name || 'localhost'), port: number };
  });
}

/** `ssl=true` is the form of other drivers. */
function parseTls(mode: string | null, ssl: string | null): PostgresAddress['tls'] {
  if (mode === null && ssl !== null) return /^(?:true|1)$/.test(ssl) ? 'verified' : 'off';
  if (mode === null || mode === 'disable') return 'off';
  // Certificates are always verified, also where libpq would not.
  if (['require', 'verify-ca', 'verify-full'].includes(mode)) return 'verified';
  throw invalid(
    `has another sslmode; use disable, or verify-full: a connection is not encrypted by chance`,
  );
}

function parseCertificate(
  certFile: string | null,
  keyFile: string | null,
): PostgresAddress['clientCertificate'] {
  if (certFile === null && keyFile === null) return null;
  if (certFile !== null && keyFile !== null) return { certFile, keyFile };
  throw invalid('has only one of sslcert and sslkey; a client certificate needs both');
}

function parseChannelBinding(mode: string | null, tls: PostgresAddress['tls']): boolean {
  if (mode === 'require' && tls === 'off') {
    throw invalid('asks for channel_binding without TLS; add sslmode=verify-full');
  }
  return tls === 'verified' && (mode === 'require' || mode === 'prefer');
}

function assertPrimary(attributes: string | null): void {
  if (attributes === null || ['primary', 'read-write', 'any'].includes(attributes)) return;
  throw invalid('asks for a standby in target_session_attrs; Gatehouse writes');
}

/** 0 is no limit in libpq; here it is the default. */
function parseTimeout(seconds: string | null): number | null {
  if (seconds === null || seconds === '0') return null;
  const value = Number(seconds);
  if (!Number.isFinite(value) || value <= 0) throw invalid('has a connect_timeout of no seconds');
  return value * 1_000;
}
