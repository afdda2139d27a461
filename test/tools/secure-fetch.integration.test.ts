import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPinnedFetch } from '#tools/secure-fetch';
import type { TlsTrust } from '#shared/tls-options';
import { findProgram } from '#test/support/debian-package';

const openssl = findProgram('openssl');
if (openssl === null) console.warn('TLS tests skipped: openssl is not installed');

/** A self-signed certificate as a NAS makes it: its name is not the address of the server. */
function nasCertificate(): { key: string; ca: string } {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-tls-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  execFileSync(
    openssl ?? 'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
      .concat(['-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=synology'])
      .concat(['-addext', 'subjectAltName=DNS:synology']),
    { stdio: 'ignore', timeout: 20_000 },
  );
  const pems = { key: readFileSync(key, 'utf8'), ca: readFileSync(cert, 'utf8') };
  rmSync(folder, { recursive: true });
  return pems;
}

describe.skipIf(openssl === null)('a server with a self-signed certificate', () => {
  let url: string;
  let ca: string;
  let fingerprint256: string;
  const seen: string[] = [];
  let close: () => void;

  beforeAll(async () => {
    const pems = nasCertificate();
    ca = pems.ca;
    fingerprint256 = new X509Certificate(ca).fingerprint256;
    const server = createServer({ key: pems.key, cert: ca }, (incoming, answer) => {
      seen.push(String(incoming.headers.authorization));
      answer.end('안녕');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    close = () => server.close();
  });
  afterAll(() => close?.());

  const ask = async (trust: TlsTrust): Promise<string> => {
    const bounds = { timeoutMs: 5000, signal: new AbortController().signal };
    const answer = await createPinnedFetch(
      url,
      trust,
      bounds,
    )(url, { headers: { authorization: 'x' } });
    return answer.text();
  };

  test('is trusted with its certificate and its fingerprint, with or without colons', async () => {
    expect(await ask({ ca, fingerprint256 })).toBe('안녕');
    const plain = fingerprint256.replaceAll(':', '').toLowerCase();
    expect(await ask({ ca, fingerprint256: plain })).toBe('안녕');
  });

  test('receives no request if the certificate or the fingerprint is missing or wrong', async () => {
    seen.length = 0;
    const other = nasCertificate().ca;
    for (const trust of [
      {},
      { fingerprint256 },
      { ca },
      { ca: other, fingerprint256 },
      { ca, fingerprint256: new X509Certificate(other).fingerprint256 },
    ]) {
      await expect(ask(trust)).rejects.toMatchObject({ kind: 'unreachable' });
    }
    expect(seen).toEqual([]);
  });
});
