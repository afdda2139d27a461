/** The doctor's check of browsers that sign in. */
import { expect, test } from 'vitest';
import { configSchema } from '#app/config/config';
import { checkSessions } from '#doctor/session-check';

const check = (server: Record<string, unknown>) =>
  checkSessions(configSchema.parse({ server: { apiKeys: ['operator-key-1'], ...server } }));

test('without keys nobody signs in', () => {
  expect(checkSessions(configSchema.parse({}))).toEqual([]);
});

test.each([
  ['this machine only', {}, null],
  ['every address over http', { host: '0.0.0.0' }, 'put a proxy with TLS'],
  ['an address of the network', { host: '192.168.0.2' }, 'put a proxy with TLS'],
  ['a public address over http', { publicUrl: 'http://nas.home:8100' }, 'https address'],
  ['a public address of this machine', { publicUrl: 'http://localhost:8100' }, null],
  ['a proxy that is not trusted', { publicUrl: 'https://home.example' }, 'server.trustedProxies'],
  [
    'a proxy with all settings',
    { host: '0.0.0.0', publicUrl: 'https://home.example', trustedProxies: ['172.16.0.0/12'] },
    null,
  ],
])('%s is judged', (_case, server, advice) => {
  const results = check(server);
  expect(results.every(({ ok, part }) => ok && part === 'sign-in')).toBe(true);
  const given = results.flatMap((one) => one.advice ?? []).join('\n');
  if (advice === null) expect(given).toBe('');
  else expect(given).toContain(advice);
});
