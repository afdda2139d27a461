/** The doctor where core and bridge have separate NATS users: the shipped files of deploy/nats and deploy/docker. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { doctor } from '#cli/doctor';
import { checkNats } from '#doctor/nats-check';
import type { CheckResult } from '#shared/check-result';
import type { Config } from '#app/config/config';
import { parseConfig } from '#app/config/load-config';
import { fakeNas, token } from '#test/channels/bridge-fixture';
import {
  broker,
  connectClient,
  folderForTest,
  managerOf,
  openGatehouse,
  natsCommand,
} from '#test/events/nats-fixture';
import { freePort } from '#test/support/free-port';
import { until } from '#test/support/journal';
import { projectRoot } from '#test/support/project-root';

const read = (path: string): string => readFileSync(join(projectRoot, 'deploy', path), 'utf8');
const permissions = read('nats/authorization.conf').replaceAll(/\$[A-Z]+_PASSWORD/g, 'pw');

/** A broker with these users, and a core connected to it. */
async function guarded(users = permissions) {
  const server = await broker({ config: users });
  const rig = await openGatehouse({ url: server.url, user: 'core', password: 'pw' });
  await until(() => rig.messaging.status().bus === 'connected');
  const jsm = await managerOf(await connectClient(server, { user: 'core', pass: 'pw' }));
  await until(() =>
    jsm.consumers.info('GH_RPL', 'bridge-synology').then(
      () => true,
      () => false,
    ),
  );
  return server;
}

const queue = 'GH_RPL.bridge-synology';

/** The shipped configuration of the bridge, with the address of this broker. */
function bridgeConfig(url: string): Config {
  const values: Record<string, string> = {
    SYNOLOGY_URL: 'http://127.0.0.1:1/',
    BRIDGE_PASSWORD: 'pw',
  };
  const filled = { SYNOLOGY_TOKEN: token, SYNOLOGY_USER_ID: '4', ...values };
  const config = parseConfig(read('docker/bridge.yaml.example'), 'bridge.yaml', {
    SYNOLOGY_USER_IDS: '7',
    SYNOLOGY_CA_FILE: '',
    SYNOLOGY_FINGERPRINT: '',
    ...filled,
  });
  return { ...config, nats: { ...config.nats, url } };
}

interface Told {
  exitCode: number;
  findings: CheckResult[];
  faults: CheckResult[];
}

/** Runs `gatehouse doctor` with a shipped configuration and the addresses of this test. */
async function doctorWith(name: 'core' | 'bridge', url: string): Promise<Told> {
  const folder = folderForTest();
  const dsm = await fakeNas();
  const values: Record<string, string> = {
    SYNOLOGY_URL: dsm.apiUrl(),
    SYNOLOGY_TOKEN: token,
    SYNOLOGY_USER_ID: '4',
  };
  const text = read(`docker/${name}.yaml.example`).replaceAll(
    /\$\{([A-Z_]+)\}/g,
    (_, key: string) => values[key] ?? 'pw',
  );
  const config = parse(text) as Record<string, Record<string, unknown>>;
  // Environment variables may leave these empty; here they are written as values.
  if (name === 'bridge') {
    Object.assign(config['synology']!, {
      allowedUserIds: ['4'],
      caFile: null,
      fingerprint256: null,
    });
  }
  if (name === 'core') Object.assign(config, { database: join(folder, 'gatehouse.db') });
  else config['synology'] = { ...config['synology'], port: await freePort() };
  // A port without a server.
  config['server'] = { ...config['server'], host: '127.0.0.1', port: await freePort() };
  config['nats'] = { ...config['nats'], url };
  const file = join(folder, 'gatehouse.yaml');
  writeFileSync(file, JSON.stringify(config));
  const printed = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  onTestFinished(() => printed.mockRestore());
  const exitCode = await doctor(file, true);
  const findings = JSON.parse(String(printed.mock.lastCall?.[0])) as CheckResult[];
  return { exitCode, findings, faults: findings.filter(({ ok }) => !ok) };
}

describe.skipIf(natsCommand === null)('the doctor with the shipped NATS permissions', () => {
  test('finds no fault with the NATS user of the core, nor with the NATS user of the bridge', async () => {
    const { url } = await guarded();
    const core = await doctorWith('core', url);
    const bridge = await doctorWith('bridge', url);
    expect(core).toMatchObject({ faults: [], exitCode: 0 });
    expect(bridge).toMatchObject({ faults: [], exitCode: 0 });
    // A bridge process has no core, database, models or tools to check.
    const parts = new Set(bridge.findings.map(({ part }) => part));
    expect([...parts].sort()).toEqual(['config', 'nats', 'node', 'synology']);
    expect(core.findings.map(({ part }) => part)).toContain('database');
  });

  test.each([
    ['gatehouse.v1.svc.job.confirm.synology', 'publish gatehouse.v1.svc.job.confirm.synology'],
    ['gatehouse.v1.dlv.synology.>', 'publish gatehouse.v1.dlv.synology.doctor.doctor'],
    ['$JS.ACK.GH_RPL.bridge-synology.>', 'publish $JS.ACK.GH_RPL.bridge-synology.doctor'],
    [`$JS.API.CONSUMER.INFO.${queue}`, `publish $JS.API.CONSUMER.INFO.${queue}`],
    ['_INBOX_synology.>', 'subscribe _INBOX_synology.>'],
  ])(
    'reports that the bridge has no permission for %s, and no other fault',
    async (subject, named) => {
      const { url } = await guarded(permissions.replace(`"${subject}"`, '"elsewhere"'));
      const { results: findings, isOfBridge } = await checkNats(bridgeConfig(url));
      expect(isOfBridge).toBe(true);
      expect(findings.filter(({ ok }) => !ok)).toMatchObject([
        {
          what: `not allowed: ${named}`,
          advice: expect.stringMatching(/permissions of the bridge in docs\/events\.md/),
        },
      ]);
    },
  );

  test('reports that the core has not created the queue of replies yet', async () => {
    const { url } = await broker({ config: permissions });
    const { results: findings } = await checkNats(bridgeConfig(url));
    expect(findings.filter(({ ok }) => !ok)).toMatchObject([
      {
        what: expect.stringContaining('no queue of replies'),
        advice: expect.stringContaining('start the core'),
      },
    ]);
  });

  test('treats a NATS user with part of the permissions of the core as the core, also where a bridge is configured', async () => {
    const { url } = await broker({
      config: `authorization { users: [{ user: bridge, password: pw, permissions: {
        publish: ["$JS.API.>", "gatehouse.v1.evt.>", "gatehouse.v1.dead.>"], subscribe: [">"] } }] }`,
    });
    const { results: findings, isOfBridge } = await checkNats(bridgeConfig(url));
    expect(isOfBridge).toBe(false);
    expect(findings.filter(({ ok }) => !ok)).toMatchObject([
      {
        what: expect.stringMatching(/^not allowed: publish gatehouse\.v1\.rpl\S+$/),
        advice: expect.stringContaining('permissions of the core'),
      },
    ]);
  });
});
