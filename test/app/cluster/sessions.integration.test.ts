/** Sessions and invites at two workers of a cluster, on PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { natsCommand } from '#test/events/nats-fixture';
import { openTestCluster, untilShared, type TestWorker } from '#test/support/cluster';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

const missing = postgresMissing() ?? (natsCommand === null ? 'nats-server is missing' : null);
let server: PostgresServer;

const operator = 'operator-key-1';
const change = {
  server: { port: 0, apiKeys: [operator], limits: { wrongCodesPerMinute: 0 } },
  persons: [{ id: 'kim', name: '김' }],
};

const send = ({ core }: TestWorker, method: string, path: string, headers: object, body?: object) =>
  fetch(core.url + path, {
    method,
    headers: { origin: core.url, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const json = async (response: Promise<Response>): Promise<Record<string, any>> =>
  (await (await response).json()) as Record<string, any>;
const asOperator = { authorization: `Bearer ${operator}` };

describe.skipIf(missing !== null)('two workers', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  test('take the same codes and sessions: a code is good once at both together, an end counts at both', async () => {
    const cluster = await openTestCluster(server);
    const [a, b] = [await cluster.start({ change }), await cluster.start({ change })];
    await untilShared(cluster, [a, b]);
    const invite = async (): Promise<string> =>
      (await json(send(a, 'POST', '/invites', asOperator, { user_id: 'kim' })))['code'];
    const cookies: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      const code = await invite();
      const tries = [a, b, a, b].map((worker) => send(worker, 'POST', '/session', {}, { code }));
      const answers = await Promise.all(tries);
      expect(answers.map(({ status }) => status).toSorted((one, two) => one - two)).toEqual([
        200, 401, 401, 401,
      ]);
      const won = answers.find(({ status }) => status === 200)!;
      cookies.push(won.headers.getSetCookie()[0]!.split(';')[0]!);
    }
    for (const cookie of cookies) {
      for (const worker of [a, b]) {
        expect(await json(send(worker, 'GET', '/session', { cookie }))).toMatchObject({
          user_id: 'kim',
          name: '김',
        });
      }
    }
    const [cookie = ''] = cookies;
    const stream = await send(b, 'GET', '/events?last_event_id=now', { cookie });
    const ended = stream.text().catch(() => '');
    expect((await send(a, 'DELETE', '/session', { cookie })).status).toBe(204);
    for (const worker of [a, b]) {
      expect((await send(worker, 'GET', '/session', { cookie })).status).toBe(401);
    }
    // Its open stream at the other worker is closed too.
    await ended;
  });
});
