/** TLS as on a NAS with default settings: a self-signed certificate for the host name "synology". */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openNas } from './fake-dsm-fixture.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function post(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: 'POST', agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text));
    });
    call.on('error', reject);
    call.end(JSON.stringify({ text: 'a', user_ids: [4] }));
  });
}

test('a client with default verification refuses the certificate, and a client that pins it is answered', async () => {
  const nas = await openNas({ tls: true });
  await expect(post(nas.apiUrl(), new Agent())).rejects.toMatchObject({
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  });
  // The certificate is trusted, but valid only for the name "synology".
  const known = new Agent({ ca: nas.certificate! });
  await expect(post(nas.apiUrl(), known)).rejects.toMatchObject({
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
  const pinned = new Agent({
    ca: nas.certificate!,
    checkServerIdentity: (_host, { fingerprint256 }) =>
      fingerprint256 === nas.fingerprint256 ? undefined : new Error('another certificate'),
  });
  expect(JSON.parse(await post(nas.apiUrl(), pinned))).toMatchObject({ success: true });
  expect(new X509Certificate(nas.certificate!).subjectAltName).toBe('DNS:synology');
});

test('the faults and refused connections also work over TLS', async () => {
  const nas = await openNas({ tls: true });
  const agent = new Agent({ ca: nas.certificate!, checkServerIdentity: () => undefined });
  nas.fail({ kind: 'cut', at: 'stored' });
  await expect(post(nas.apiUrl(), agent)).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(nas.posts()).toHaveLength(1);
  await nas.refuseConnections();
  await expect(post(nas.apiUrl(), agent)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('the certificate in a folder is used again, and only the owner can read its key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fake-dsm-'));
  folders.push(folder);
  const first = await openNas({ tls: true, tlsFolder: folder });
  const second = await openNas({ tls: true, tlsFolder: folder });
  const third = await openNas({ tls: true });
  expect(second.fingerprint256).toBe(first.fingerprint256);
  expect(third.fingerprint256).not.toBe(first.fingerprint256);
  expect(statSync(join(folder, 'fake-dsm.key')).mode & 0o077).toBe(0);
});
