/** Ways in: credentials of every kind, encryption, servers that are not there, and modes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, nkeys } from 'nats';
import { describe, expect, test } from 'vitest';
import { GatehouseError } from '#shared/errors';
import { parseServerAddress } from '#events/connection/server-address';
import { until } from '#test/support/journal';
import { userCredentials } from './nats-operator.ts';
import { natsConfig } from '../messaging-fixture.ts';
import {
  broker,
  folderForTest,
  openGatehouse,
  natsCommand,
  type OpenMessagingFixture,
} from '../nats-fixture.ts';

const connected = (rig: OpenMessagingFixture): Promise<void> =>
  until(() => rig.messaging.status().bus === 'connected');

const tlsFolder = join(import.meta.dirname, 'tls');
const tlsConfig = (more = ''): string =>
  [
    'tls {',
    `  cert_file: ${JSON.stringify(join(tlsFolder, 'server.pem'))}`,
    `  key_file: ${JSON.stringify(join(tlsFolder, 'server.key'))}`,
    more,
    '}',
  ].join('\n');

describe.skipIf(natsCommand === null)('a connection', () => {
  test('is made with user and password, of the configuration or of the URL', async () => {
    const server = await broker({ config: 'authorization { user: gh, password: "s3cret/@" }' });
    const keys = await openGatehouse({ url: server.url, user: 'gh', password: 's3cret/@' });
    await connected(keys);
    const url = `nats://gh:s3cret%2F%40@127.0.0.1:${server.port}`;
    const inUrl = await openGatehouse({ url });
    await connected(inUrl);
    expect(inUrl.messaging.status().url).toBe(server.url);
  });

  test('is made with a token, of the configuration or of the URL', async () => {
    const server = await broker({ config: 'authorization { token: "t0ken" }' });
    await connected(await openGatehouse({ url: server.url, token: 't0ken' }));
    await connected(await openGatehouse({ url: `nats://t0ken@127.0.0.1:${server.port}` }));
  });

  test('is made with a credentials file', async () => {
    const { config, creds } = userCredentials(nkeys);
    const server = await broker({ config, jetStream: false });
    const credsFile = join(folderForTest(), 'user.creds');
    writeFileSync(credsFile, creds);
    await connected(await openGatehouse({ url: server.url, credsFile }));
  });

  test('that is refused says so, and comes up once the server takes us', async () => {
    const server = await broker({ config: 'authorization { user: gh, password: right }' });
    const rig = await openGatehouse({ url: server.url, user: 'gh', password: 'wrong' });
    await until(() => rig.messaging.status().lastError !== null);
    const { bus, lastError } = rig.messaging.status();
    expect(bus).toBe('connecting');
    expect(lastError?.code).toBe('GH_BUS_REFUSED');
    expect(JSON.stringify(rig.messaging.status())).not.toContain('wrong');
    await server.kill();
    await server.restart({ config: 'authorization { user: gh, password: wrong }' });
    await connected(rig);
    expect(rig.messaging.status().lastError).toBe(null);
  });

  test('with a credentials file that is not there names the key', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url, credsFile: '/nowhere/x.creds' });
    await until(() => rig.messaging.status().lastError !== null);
    expect(rig.messaging.status().lastError).toMatchObject({
      code: 'GH_CONFIG_INVALID',
      message: expect.stringContaining('nats.credsFile'),
    });
  });

  test('is encrypted where the URL says so, and checks who the server is', async () => {
    const server = await broker({ config: tlsConfig() });
    const url = server.url.replace('nats://', 'tls://');
    const rig = await openGatehouse({ url, caFile: join(tlsFolder, 'ca.pem') });
    await connected(rig);
    expect(rig.messaging.status().url).toBe(url);
    const stranger = await openGatehouse({ url });
    await until(() => stranger.messaging.status().lastError !== null);
    expect(stranger.messaging.status().bus).toBe('connecting');
  });

  test('that is to be encrypted is not made in the clear', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url.replace('nats://', 'tls://') });
    await until(() => rig.messaging.status().lastError !== null);
    expect(rig.messaging.status().lastError?.message).toContain("does not support 'tls'");
    expect(rig.messaging.status().bus).toBe('connecting');
  });

  test('shows a certificate of ours where the server asks for one', async () => {
    const verify = `ca_file: ${JSON.stringify(join(tlsFolder, 'ca.pem'))}\n  verify: true`;
    const server = await broker({ config: tlsConfig(verify) });
    const rig = await openGatehouse({
      url: server.url.replace('nats://', 'tls://'),
      caFile: join(tlsFolder, 'ca.pem'),
      certFile: join(tlsFolder, 'client.pem'),
      keyFile: join(tlsFolder, 'client.key'),
    });
    await connected(rig);
  });

  test('to one of several servers is made again to the other when the first one dies', async () => {
    const [one, other] = [await broker(), await broker()];
    const rig = await openGatehouse({ url: `${one.url}, 127.0.0.1:${other.port}` });
    await connected(rig);
    await one.kill();
    await other.kill();
    await until(() => rig.messaging.status().bus === 'connecting');
    await other.restart();
    await connected(rig);
  });
});

describe.skipIf(natsCommand === null)('without JetStream', () => {
  test('requests are served, events wait, and the reason is told', async () => {
    const server = await broker({ jetStream: false });
    const rig = await openGatehouse({ url: server.url });
    await rig.jobService.submit({ message: 'hello' });
    await until(() => rig.messaging.status().lastError !== null);
    const { bus, lastError, backlog } = rig.messaging.status();
    expect(bus).toBe('connected');
    expect(lastError?.code).toBe('GH_BUS_NO_JETSTREAM');
    expect(backlog).toBeGreaterThan(0);
    const nc = await connect({ servers: server.url });
    try {
      const answer = await nc.request('gatehouse.v1.svc.job.list', '', { timeout: 5_000 });
      expect(answer.json<{ jobs: unknown[] }>().jobs).toHaveLength(1);
    } finally {
      await nc.close();
    }
  });
});

describe('modes', () => {
  test('off: nothing is looked for, jobs run, events wait in the journal', async () => {
    const rig = await openGatehouse({ mode: 'off' });
    const { job_id } = await rig.jobService.submit({ message: 'hello' });
    await until(async () => (await rig.jobService.get(job_id)).state === 'done');
    expect(rig.messaging.status()).toMatchObject({ bus: 'off', url: null, lastError: null });
    expect(rig.messaging.status().backlog).toBeGreaterThan(0);
    expect(await rig.messaging.flush()).toBe(false);
  });

  test('auto without a server: runs without, and that is no error', async () => {
    const ownServer = { command: '/nowhere/nats-server', port: 0 };
    const rig = await openGatehouse({ mode: 'auto' }, { messaging: { embeddedServer: ownServer } });
    await until(() => rig.messaging.status().bus === 'off');
    expect(rig.messaging.status().lastError).toBe(null);
    const { job_id } = await rig.jobService.submit({ message: 'hello' });
    await until(async () => (await rig.jobService.get(job_id)).state === 'done');
  });

  test('child without a server: says what is missing', async () => {
    const ownServer = { command: '/nowhere/nats-server', port: 0 };
    const rig = await openGatehouse(
      { mode: 'child' },
      { messaging: { embeddedServer: ownServer } },
    );
    await until(() => rig.messaging.status().lastError !== null);
    expect(rig.messaging.status()).toMatchObject({
      bus: 'connecting',
      lastError: { code: 'GH_BUS_NO_SERVER' },
    });
  });
});

describe('an address', () => {
  test.each(['', 'http://x', 'nats://', 'nats://a b:4222', 'nats://a:1,,b'])(
    '%j is refused without repeating it',
    (url) => {
      const refused = (): unknown => parseServerAddress({ ...natsConfig({}), url });
      expect(refused).toThrow(GatehouseError);
      expect(refused).toThrow(/expected nats:\/\/host:port/);
    },
  );

  test('keeps credentials out of what people see', () => {
    const server = parseServerAddress({ ...natsConfig({}), url: 'nats://me:secret@a:1,tls://b:2' });
    expect(server).toMatchObject({ url: 'tls://a:1,tls://b:2', user: 'me', password: 'secret' });
  });
});
