/** `gatehouse invite` and `gatehouse sessions` on a running core. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { endSessions, invite, listSessions } from '#cli/sessions';
import { CoreClient } from '#http/client/core-client';
import { openCore, type CoreFixture } from '#test/support/core';

const key = 'operator-key-1';

let fixture: CoreFixture;
let client: CoreClient;
let printed: string[];
beforeAll(async () => {
  fixture = await openCore({
    server: { port: 0, apiKeys: [key] },
    persons: [{ id: 'kim', name: '김' }, { id: 'lee' }],
  });
  client = new CoreClient(fixture.core.url, key);
});
afterAll(() => fixture.close());
beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
});
afterEach(() => void vi.restoreAllMocks());

const none = { minutes: undefined, limit: undefined, json: false };
const signIn = (code: string): Promise<Response> =>
  fetch(`${fixture.core.url}/session`, {
    method: 'POST',
    headers: { 'user-agent': 'Mozilla/5.0 (iPhone) Safari/604.1' },
    body: JSON.stringify({ code }),
  });

test('invite prints a code, its end, the address and the QR code; the code signs in', async () => {
  await invite(client, 'kim', none, { isLive: true });
  const text = printed.join('\n');
  expect(text).toContain('김 (kim) signs in with this code, once:');
  const [code = ''] = /[A-Z\d]{5}-[A-Z\d]{5}/.exec(text)!;
  expect(text).toMatch(/until \d{4}-\d\d-\d\d \d\d:\d\d, at http:\/\/127\.0\.0\.1:\d+\/$/m);
  expect(text).toContain('only this machine opens that address');
  // Blocks of black and white.
  expect(text).toContain('\u001B[40m');
  expect((await signIn(code)).status).toBe(200);
});

test('invite prints no blocks of colour into a file, and all as JSON', async () => {
  await invite(client, 'lee', { ...none, minutes: '60' }, { isLive: false });
  expect(printed.join('\n')).not.toContain('\u001B');
  expect(printed.join('\n')).toContain('lee signs in');
  printed.length = 0;
  await invite(client, 'kim', { ...none, json: true });
  const made = JSON.parse(printed[0]!) as Record<string, string>;
  expect(Object.keys(made)).toEqual(['user_id', 'name', 'code', 'expires_at', 'url', 'qr']);
  expect((await signIn(made['code']!)).status).toBe(200);
});

test('sessions are listed, of one person too, and ended', async () => {
  await listSessions(client, 'lee', none);
  expect(printed).toEqual(['nobody is signed in']);
  await invite(client, 'lee', { ...none, json: true });
  await signIn((JSON.parse(printed[1]!) as { code: string }).code);
  printed.length = 0;
  await listSessions(client, 'lee', none);
  expect(printed).toHaveLength(1);
  expect(printed[0]).toMatch(/^\w{26} {2}lee {2}Safari, iPhone {2}by code, since .*, used .*$/);
  const id = printed[0]!.split(' ')[0]!;
  await endSessions(client, [id], none);
  expect(printed.at(-1)).toBe(`${id}: signed out`);
  printed.length = 0;
  await listSessions(client, 'lee', none);
  expect(printed).toEqual(['nobody is signed in']);
});

test('refusals name what is wrong', async () => {
  await expect(invite(client, 'nobody', none)).rejects.toThrow('nobody is no person');
  await expect(invite(client, 'kim', { ...none, minutes: 'x' })).rejects.toThrow('--minutes');
  await expect(invite(client, 'kim', { ...none, minutes: '0' })).rejects.toThrow('minutes');
  await expect(endSessions(client, ['unknown'], none)).rejects.toThrow('no such session');
});
