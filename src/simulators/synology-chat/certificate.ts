/** The factory certificate of a NAS: self-signed, its only name is "synology". */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

export interface Certificate {
  /** Both PEM. */
  key: string;
  cert: string;
  /** SHA-256, `AA:BB:…`. */
  fingerprint256: string;
}

/** As long as a NAS's own; a pinned certificate must not expire during a trial. */
const validYears = 10;

/** Where `provideCertificate` stores the certificate that clients trust. */
export const certificateFile = (folder: string): string => join(folder, 'fake-dsm.crt');

/** Loads the certificate from `folder`, or creates it and stores it there. An expired certificate is replaced. */
export async function provideCertificate(folder: string | null): Promise<Certificate> {
  const [certFile, keyFile] =
    folder === null ? [null, null] : [certificateFile(folder), join(folder, 'fake-dsm.key')];
  if (certFile !== null && existsSync(certFile) && existsSync(keyFile)) {
    const kept = withFingerprint(readFileSync(keyFile, 'utf8'), readFileSync(certFile, 'utf8'));
    if (Date.parse(new X509Certificate(kept.cert).validTo) > Date.now()) return kept;
  }
  const notAfterDate = new Date();
  notAfterDate.setFullYear(notAfterDate.getFullYear() + validYears);
  const made = await generate([{ name: 'commonName', value: 'synology' }], {
    keyType: 'ec',
    notAfterDate,
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'synology' }] },
    ],
  });
  if (folder !== null && certFile !== null) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(keyFile, made.private, { mode: 0o600 });
    writeFileSync(certFile, made.cert);
  }
  return withFingerprint(made.private, made.cert);
}

const withFingerprint = (key: string, cert: string): Certificate => ({
  key,
  cert,
  fingerprint256: new X509Certificate(cert).fingerprint256,
});
