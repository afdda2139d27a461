/** NATS servers that several workers can share, and those that they cannot: real servers, single and as a cluster. */
import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { assertSharedServers } from '#events/connection/shared-servers';
import { createEmbeddedNatsServer } from '#events/embedded-server/embedded-server';
import { createStreamSpecs, ensureStream } from '#events/streams/streams';
import { silentLog } from '#shared/log';
import { createSubjects } from '#shared/wire/subjects';
import { natsConfig } from '#test/events/messaging-fixture';
import { broker, connectClient, folderForTest, natsCommand } from '#test/events/nats-fixture';
import { startNatsCluster } from '#test/support/nats-cluster';

const specs = (replicas: number) => createStreamSpecs(createSubjects(), replicas);
const check = (url: string, replicas: number, more: Parameters<typeof natsConfig>[0] = {}) =>
  assertSharedServers({ ...natsConfig({ url, ...more }), url }, replicas);

describe.skipIf(natsCommand === null)('NATS servers of several workers', () => {
  test('may be a single one with JetStream, when one copy of each stream is enough', async () => {
    const server = await broker();
    await check(server.url, 1);
    await expect(check(server.url, 3)).rejects.toMatchObject({
      code: 'GH_CLUSTER_SETTINGS',
      message: expect.stringMatching(/single NATS server.*set cluster\.replicas: 1$/),
    });
  });

  test('are refused without JetStream, or with a login that they refuse', async () => {
    const plain = await broker({ jetStream: false });
    await expect(check(plain.url, 1)).rejects.toMatchObject({
      code: 'GH_BUS_NO_JETSTREAM',
      message: expect.stringContaining(plain.url),
    });
    const guarded = await broker({ config: 'authorization { user: a, password: b }' });
    await expect(check(guarded.url, 1)).rejects.toMatchObject({ code: 'GH_BUS_REFUSED' });
    await check(guarded.url, 1, { user: 'a', password: 'b' });
  });

  test('are not waited for when none answers', async () => {
    const server = await broker();
    await server.kill();
    await check(server.url, 3);
  });

  test('are never the nats-server that a Gatehouse process has started for itself', async () => {
    const embedded = createEmbeddedNatsServer({
      dataFolder: folderForTest(),
      command: natsCommand!,
      port: 0,
      log: silentLog(),
    });
    onTestFinished(() => embedded.stop());
    const { url, user, password } = await embedded.ensureRunning(new AbortController().signal);
    await expect(check(url, 1, { user, password })).rejects.toMatchObject({
      code: 'GH_CLUSTER_SETTINGS',
      message: expect.stringContaining('of one Gatehouse process'),
    });
  });

  test('keep three copies of each stream, and are refused with a stream of fewer copies', async () => {
    const cluster = await startNatsCluster(natsCommand!);
    await check(cluster.url, 3);
    const nc = await connectClient(cluster.nodes[0]!);
    const jsm = await jetstreamManager(nc);
    const { info } = await ensureStream(jsm, specs(3).commands);
    expect(info.config.num_replicas).toBe(3);
    expect((await ensureStream(jsm, specs(1).commands)).notes).toEqual([]);
    await ensureStream(jsm, specs(1).replies);
    await expect(check(cluster.url, 3)).rejects.toMatchObject({
      code: 'GH_BUS_STREAM',
      message: expect.stringContaining(
        'GH_RPL has 1 of 3 copies: nats stream edit GH_RPL --replicas 3',
      ),
    });
    await expect(ensureStream(jsm, specs(3).replies)).rejects.toThrow(/1 of 3 copies/);
    await check(cluster.url, 1);
  });
});
