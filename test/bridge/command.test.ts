/** `gatehouse bridge synology` and what the doctor says of it. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openBridge } from '../../src/cli/bridge.ts';
import { checkBridge } from '../../src/cli/bridge-findings.ts';
import { configSchema } from '../../src/config/config.ts';
import type { GatehouseError } from '../../src/lib/errors.ts';
import { silentLog } from '../../src/lib/log.ts';
import { openBridgeDatabase } from '../../src/store/bridge-database.ts';
import { folderForTest } from '../messaging/setting.ts';
import { fakeNas, saidTo, token } from './setting.ts';

const script = join(import.meta.dirname, '..', '..', 'src', 'cli', 'gatehouse.ts');

const incomingUrl = 'http://127.0.0.1:1/webapi/entry.cgi?api=SYNO.Chat.External&method=chatbot';

/** Why it does not start. */
async function refusal(config: object): Promise<string> {
  const parsed = configSchema.parse({ nats: { mode: 'external' }, ...config });
  try {
    const opened = await openBridge(parsed, silentLog());
    await opened.stop();
    return 'it started';
  } catch (error) {
    const { code, message } = error as GatehouseError;
    return `${code} ${message}`;
  }
}

describe('gatehouse bridge synology', () => {
  test('says what is missing', async () => {
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

  test('owns its database alone', async () => {
    const database = join(folderForTest(), 'synology.db');
    const opened = openBridgeDatabase(database);
    const synology = { incomingUrl, token, allowedUserIds: [4], database, port: 0 };
    expect(await refusal({ synology })).toMatch(/^GH_STORE_LOCKED/);
    opened.close();
    expect(await refusal({ synology })).toBe('it started');
  });

  test('is used with the name of a chat', async () => {
    const code = await new Promise((resolve) => {
      execFile(process.execPath, [script, 'bridge'], (error) => resolve(error?.code));
    });
    expect(code).toBe(2);
  });
});

describe('the doctor', () => {
  const findings = (synology: object, sendTest?: string) =>
    checkBridge(configSchema.parse({ synology: { token, port: 1, ...synology } }), sendTest);

  test('says nothing of a bridge that nobody wants', async () => {
    expect(await findings({})).toEqual([]);
  });

  test('finds the people, and sends a test message where it is asked to', async () => {
    const dsm = await fakeNas();
    const fine = await findings({ incomingUrl: dsm.apiUrl(), allowedUserIds: [4] }, '4');
    expect(fine.filter(({ ok }) => !ok)).toEqual([]);
    expect(saidTo(dsm, 4)).toEqual([expect.stringContaining('This is a test message')]);
    const wrong = await findings({ incomingUrl: dsm.apiUrl(), allowedUserIds: [4, 1_027] });
    expect(wrong.find(({ ok }) => !ok)).toMatchObject({
      what: expect.stringContaining('1027') as string,
      advice: expect.stringContaining('4, 5, 6') as string,
    });
  });

  test('knows the token without its quotes, and a wrong one', async () => {
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

  test('says how to trust a certificate, and sees that nobody is there', async () => {
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
});
