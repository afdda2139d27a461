/** Connections to NATS: credentials of every kind, encryption, missing servers, and modes. */
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

describe.skipIf(natsCommand === null)('a connection to NATS', () => {
  test('is made with user and password from the configuration or from the URL', async () => {
    const server = await broker({ config: 'authorization { user: gh, password: "s3cret/@" }' });
    const keys = await openGatehouse({ url: server.url, user: 'gh', password: 's3cret/@' });
    await connected(keys);
    const url = `nats://gh:s3cret%2F%40@127.0.0.1:${server.port}`;
    const inUrl = await openGatehouse({ url });
    await connected(inUrl);
    expect(inUrl.messaging.status().url).toBe(server.url);
  });

  test('is made with a token from the configuration or from the URL', async () => {
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

  test('that is refused reports it without the password, and is made when the server accepts it', async () => {
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

  test('with a missing credentials file reports the key nats.credsFile', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url, credsFile: '/nowhere/x.creds' });
    await until(() => rig.messaging.status().lastError !== null);
    expect(rig.messaging.status().lastError).toMatchObject({
      code: 'GH_CONFIG_INVALID',
      message: expect.stringContaining('nats.credsFile'),
    });
  });

  test('with a tls:// URL is encrypted, and fails without the CA of the server', async () => {
    const server = await broker({ config: tlsConfig() });
    const url = server.url.replace('nats://', 'tls://');
    const rig = await openGatehouse({ url, caFile: join(tlsFolder, 'ca.pem') });
    await connected(rig);
    expect(rig.messaging.status().url).toBe(url);
    const stranger = await openGatehouse({ url });
    await until(() => stranger.messaging.status().lastError !== null);
    expect(stranger.messaging.status().bus).toBe('connecting');
  });

  test('with a tls:// URL is not made to a server without TLS', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url.replace('nats://', 'tls://') });
    await until(() => rig.messaging.status().lastError !== null);
    expect(rig.messaging.status().lastError?.message).toContain("does not support 'tls'");
    expect(rig.messaging.status().bus).toBe('connecting');
  });

  test('sends a client certificate if the server requires it', async () => {
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

  test('with several server addresses is made again to any of them after an outage', async () => {
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

describe.skipIf(natsCommand === null)('a broker without JetStream', () => {
  test('serves requests, while events wait and the reason is reported', async () => {
    const server = await broker({ jetStream: false });
    const rig = await openGatehouse({ url: server.url });
    await rig.jobService.submit({ message: 'hello' });
    await until(() => rig.messaging.status().lastError !== null);
    const { bus, lastError } = rig.messaging.status();
    const { backlog } = await rig.messaging.backlog();
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

describe('the mode of messaging', () => {
  test('off makes no connection; jobs run, and events wait in the journal', async () => {
    const rig = await openGatehouse({ mode: 'off' });
    const { job_id } = await rig.jobService.submit({ message: 'hello' });
    await until(async () => (await rig.jobService.get(job_id)).state === 'done');
    expect(rig.messaging.status()).toMatchObject({ bus: 'off', url: null, lastError: null });
    expect((await rig.messaging.backlog()).backlog).toBeGreaterThan(0);
    expect(await rig.messaging.flush()).toBe(false);
  });

  test('auto without a server runs without messaging and reports no error', async () => {
    const ownServer = { command: '/nowhere/nats-server', port: 0 };
    const rig = await openGatehouse({ mode: 'auto' }, { messaging: { embeddedServer: ownServer } });
    await until(() => rig.messaging.status().bus === 'off');
    expect(rig.messaging.status().lastError).toBe(null);
    const { job_id } = await rig.jobService.submit({ message: 'hello' });
    await until(async () => (await rig.jobService.get(job_id)).state === 'done');
  });

  test('child without a server reports the missing server', async () => {
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

describe('a server address', () => {
  test.each(['', 'http://x', 'nats://', 'nats://a b:4222', 'nats://a:1,,b'])(
    '%j is refused with the expected format',
    (url) => {
      const refused = (): unknown => parseServerAddress({ ...natsConfig({}), url });
      expect(refused).toThrow(GatehouseError);
      expect(refused).toThrow(/expected nats:\/\/host:port/);
    },
  );

  test('is shown without its credentials', () => {
    const server = parseServerAddress({ ...natsConfig({}), url: 'nats://me:secret@a:1,tls://b:2' });
    expect(server).toMatchObject({ url: 'tls://a:1,tls://b:2', user: 'me', password: 'secret' });
  });
});
