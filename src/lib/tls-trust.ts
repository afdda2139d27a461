/** Which certificates of a server at home are believed. Verification is never switched off. */
import type { ConnectionOptions, PeerCertificate } from 'node:tls';

export interface TlsTrust {
  /** PEM: a certificate authority of one's own, or the server's own certificate. */
  ca?: string | undefined;
  /**
   * SHA-256 of the server's certificate, hex, colons or not. Takes the place of the host name check: the
   * certificate of a NAS names the NAS and not its address. Its issuer must still be known (`ca`).
   */
  fingerprint256?: string | undefined;
}

const hex = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase();

/** The options that make a TLS connection believe just that. */
export function trustOptions({ ca, fingerprint256 }: TlsTrust): ConnectionOptions {
  // The server's own certificate is trust enough, also where an authority that we do not have has signed it.
  const options: ConnectionOptions = ca === undefined ? {} : { ca, allowPartialTrustChain: true };
  if (fingerprint256 === undefined) return options;
  return {
    ...options,
    checkServerIdentity: (_: string, certificate: PeerCertificate) =>
      hex(certificate.fingerprint256) === hex(fingerprint256)
        ? undefined
        : new Error('the certificate of the server is not the pinned one'),
  };
}
