/** `gatehouse bridge synology`, and the doctor's findings about the bridge. */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as createWebServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openBridge } from '#app/bridge';
import { checkBridge } from '#doctor/bridge-check';
import { adviceFor } from '#channels/synology/doctor-check';
import { channels } from '#app/channels';
import { configSchema } from '#app/config/config';
import type { GatehouseError } from '#shared/errors';
import { silentLog } from '#shared/log';
import { openBridgeDatabase } from '#channels/store/bridge-database';
import { folderForTest } from '#test/events/nats-fixture';
import { fakeNas, textsShownTo, token } from './bridge-fixture.ts';
import { projectRoot } from '#test/support/project-root';

const synologyChannel = channels.find(({ name }) => name === 'synology')!;
const script = join(projectRoot, 'src', 'cli', 'gatehouse.ts');

const incomingUrl = 'http://127.0.0.1:1/webapi/entry.cgi?api=SYNO.Chat.External&method=chatbot';

/** The reason why the bridge does not start. */
async function refusal(config: object): Promise<string> {
  const parsed = configSchema.parse({ nats: { mode: 'external' }, ...config });
  try {
    const opened = await openBridge(synologyChannel, parsed, silentLog());
    await opened.stop();
    return 'it started';
  } catch (error) {
    const { code, message } = error as GatehouseError;
    return `${code} ${message}`;
  }
}

describe('gatehouse bridge synology', () => {
  test('refuses to start and names the missing or invalid setting', async () => {
    const folder = folderForTest();
    const database = join(folder, 'synology.db');
    expect(await refusal({ synology: { database } })).toMatch(
      /^GH_BRIDGE_NOT_CONFIGURED synology.incomingUrl: not set/,
    );
    expect(await refusal({ synology: { database, incomingUrl, token } })).toMatch(
      /^GH_BRIDGE_NO_USERS .*allowedUserIds is empty/,
    );
    expect(await refusal({ nats: { mode: 'off' } })).toContain('the bridge needs NATS');
    const caFile = join(folder, 'none.pem');
    const untrusted = { database, incomingUrl, token, allowedUserIds: [4], caFile };
    expect(await refusal({ synology: untrusted })).toMatch(/^GH_CONFIG_INVALID synology.caFile/);
  });

  test('refuses to start while another process holds its database', async () => {
    const database = join(folderForTest(), 'synology.db');
    const opened = openBridgeDatabase(database);
    const synology = { incomingUrl, token, allowedUserIds: [4], database, port: 0 };
    expect(await refusal({ synology })).toMatch(/^GH_STORE_LOCKED/);
    opened.close();
    expect(await refusal({ synology })).toBe('it started');
  });

  test('exits with code 2 without the name of a chat', async () => {
    const code = await new Promise((resolve) => {
      execFile(process.execPath, [script, 'bridge'], (error) => resolve(error?.code));
    });
    expect(code).toBe(2);
  });
});

describe('the doctor’s check of the bridge', () => {
  const findings = (synology: object, sendTest?: string) =>
    checkBridge(configSchema.parse({ synology: { token, port: 1, ...synology } }), { sendTest });

  test('reports nothing for a bridge that is not configured', async () => {
    expect(await findings({})).toEqual([]);
  });

  test('checks that the allowed users exist, and sends a test message on request', async () => {
    const dsm = await fakeNas();
    const fine = await findings({ incomingUrl: dsm.apiUrl(), allowedUserIds: [4] }, '4');
    expect(fine.filter(({ ok }) => !ok)).toEqual([]);
    expect(textsShownTo(dsm, 4)).toEqual([expect.stringContaining('This is a test message')]);
    const wrong = await findings({ incomingUrl: dsm.apiUrl(), allowedUserIds: [4, 1_027] });
    expect(wrong.find(({ ok }) => !ok)).toMatchObject({
      what: expect.stringContaining('1027') as string,
      advice: expect.stringContaining('4, 5, 6') as string,
    });
  });

  test('advises to install nats-server, and to start the core only if no core answers', async () => {
    const dsm = await fakeNas();
    const health = createWebServer((_, response) => response.end('{"nats":"connecting"}'));
    health.listen(0, '127.0.0.1');
    await once(health, 'listening');
    onTestFinished(() => void health.close());
    const { port } = health.address() as AddressInfo;
    const bot = { token, incomingUrl: dsm.apiUrl(), allowedUserIds: [4] };
    const config = configSchema.parse({ synology: { ...bot, port } });
    const advice = async (isCoreThere: boolean) =>
      (await checkBridge(config, { isCoreThere })).find(({ ok }) => !ok)?.advice;
    expect(await advice(false)).toMatch(/^start the core; install nats-server/);
    expect(await advice(true)).toMatch(/^install nats-server/);
  });

  test('recognizes a token without quotes, an unknown token and a wrong API method', async () => {
    const dsm = await fakeNas();
    const bare = dsm.apiUrl('Gatehouse', 'chatbot', 'bare');
    const found = await findings({ incomingUrl: bare, allowedUserIds: [4] });
    expect(found.map(({ advice }) => advice).join('\n')).toContain('%22');
    const other = dsm.apiUrl().replace(token, 'z'.repeat(64));
    const wrong = await findings({ incomingUrl: other, allowedUserIds: [4] });
    expect(wrong.find(({ ok }) => !ok)?.advice).toContain('does not know the token');
    const method = dsm.apiUrl().replace('chatbot', 'incoming');
    const misread = await findings({ incomingUrl: method, allowedUserIds: [4] });
    expect(misread.find(({ ok }) => !ok)?.advice).toContain('method=chatbot');
  });

  test('explains how to trust a certificate, and reports an unreachable NAS', async () => {
    const dsm = await fakeNas({ tls: true });
    const strange = await findings({ incomingUrl: dsm.apiUrl(), allowedUserIds: [4] });
    expect(strange.find(({ ok }) => !ok)?.advice).toContain('openssl s_client');
    const caFile = join(folderForTest(), 'nas.pem');
    writeFileSync(caFile, dsm.certificate!);
    const pinned = { caFile, fingerprint256: dsm.fingerprint256 };
    const trusted = await findings({ incomingUrl: dsm.apiUrl(), allowedUserIds: [4], ...pinned });
    expect(trusted.filter(({ ok }) => !ok)).toEqual([]);
    const gone = dsm.apiUrl();
    await dsm.close();
    const away = await findings({ incomingUrl: gone, allowedUserIds: [4], ...pinned });
    expect(away.find(({ ok }) => !ok)?.advice).toContain('is the NAS on');
  });

  test.each([
    ['has expired', -30],
    ['is not valid yet', 30],
  ])('reports that a certificate %s, even if it is the pinned certificate', async (what, days) => {
    const dayMs = 86_400_000;
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'synology' }], {
      keyType: 'ec',
      notBeforeDate: new Date(Date.now() + (days - 1) * dayMs),
      notAfterDate: new Date(Date.now() + (days + 1) * dayMs),
    });
    const server = createServer({ key, cert }, (_, response) => void response.end('{}'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const caFile = join(folderForTest(), 'nas.pem');
    writeFileSync(caFile, cert);
    const { port } = server.address() as AddressInfo;
    const url = new URL(incomingUrl);
    Object.assign(url, { protocol: 'https:', port: String(port) });
    url.search += '&version=2&token=%22x%22';
    const { fingerprint256 } = new X509Certificate(cert);
    const pinned = { incomingUrl: url.href, allowedUserIds: [4], caFile, fingerprint256 };
    const { advice = '' } = (await findings(pinned)).find(({ ok }) => !ok) ?? {};
    expect(advice).toContain(what);
    expect(advice).toContain(`openssl s_client -connect 127.0.0.1:${port} `);
  });

  test('names the port in the openssl command, also the default port 443', () => {
    const advice = adviceFor('DEPTH_ZERO_SELF_SIGNED_CERT: x', 'https://nas.example');
    expect(advice).toContain('-connect nas.example:443 ');
  });

  test('warns that a visible refusal may stop Chat for all users, unless quietRefusals is set', async () => {
    const dsm = await fakeNas();
    const bot = { incomingUrl: dsm.apiUrl(), allowedUserIds: [4] };
    const warnings = async (quietRefusals: boolean) =>
      (await findings({ ...bot, quietRefusals })).filter(({ advice }) =>
        advice?.includes('quietRefusals: true'),
      );
    expect(await warnings(false)).toMatchObject([{ ok: true }]);
    expect(await warnings(true)).toEqual([]);
  });
});
