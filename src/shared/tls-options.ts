/** Which certificates of a server at home are trusted. Verification is never switched off. */
import { readFileSync } from 'node:fs';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import { GatehouseError, messageOf } from './errors.ts';

export interface TlsTrust {
  /** PEM: a private certificate authority, or the server's own certificate. */
  ca?: string | undefined;
  /**
   * SHA-256 of the server's certificate, hex, colons or not. Replaces the host name check: the certificate of a NAS
   * contains the name of the NAS and not its address. Its issuer must still be trusted (`ca`).
   */
  fingerprint256?: string | undefined;
}

const normalizeFingerprint = (fingerprint: string): string =>
  fingerprint.replaceAll(':', '').toLowerCase();

/** TLS connection options that trust only this. */
export function tlsConnectionOptions({ ca, fingerprint256 }: TlsTrust): ConnectionOptions {
  // `ca` may be the server's own certificate: it is trusted even if an unknown authority has signed it.
  const options: ConnectionOptions = ca === undefined ? {} : { ca, allowPartialTrustChain: true };
  if (fingerprint256 === undefined) return options;
  return {
    ...options,
    checkServerIdentity: (_: string, certificate: PeerCertificate) =>
      normalizeFingerprint(certificate.fingerprint256) === normalizeFingerprint(fingerprint256)
        ? undefined
        : new Error('the certificate of the server is not the pinned one'),
  };
}

/** The trust as a section of the configuration gives it. */
export interface TlsSettings {
  caFile?: string | null | undefined;
  fingerprint256?: string | null | undefined;
}

/** @param key of `caFile`, for the message. @throws GH_CONFIG_INVALID when the file cannot be read */
export function readTlsTrust(settings: TlsSettings, key = 'caFile'): Required<TlsTrust> {
  const { caFile = null, fingerprint256 = null } = settings;
  try {
    return {
      ca: caFile === null ? undefined : readFileSync(caFile, 'utf8'),
      fingerprint256: fingerprint256 ?? undefined,
    };
  } catch (error) {
    throw new GatehouseError('GH_CONFIG_INVALID', `${key}: ${messageOf(error)}`, { cause: error });
  }
}
