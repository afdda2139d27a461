/** A core on a primary with a synchronous standby, and the faults of the network and of the primary that it must survive. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openSeverableProxy } from '#test/chaos/severable-proxy';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

const clients = 4;

interface Answer {
  status: number;
  code?: string;
  job_id?: string;
}

const post = async (
  { core }: CoreFixture,
  key: string,
  user: string,
  signal?: AbortSignal,
): Promise<Answer> => {
  const body = JSON.stringify({ message: 'hello', user_id: user, idempotency_key: key });
  const response = await fetch(`${core.url}/chat`, {
    method: 'POST',
    body,
    ...(signal && { signal }),
  });
  return { ...((await response.json()) as Answer), status: response.status };
};

/** Clients that repeat each message with its key until it is accepted. */
function startLoad(fixture: CoreFixture) {
  fixture.small.script(...Array.from({ length: 3_000 }, () => direct('Good.')));
  const accepted = new Map<string, string>();
  const refusals = new Set<string>();
  let isOver = false;
  const client = async (user: string): Promise<void> => {
    for (let n = 0; !isOver; n += 1) {
      for (const key = `${user}.${n}`; !accepted.has(key);) {
        const { status, code, job_id: jobId } = await post(fixture, key, user);
        if (jobId !== undefined) accepted.set(key, jobId);
        else refusals.add(`${status} ${code}`);
      }
    }
  };
  const all = Array.from({ length: clients }, (_, index) => client(`user-${index}`));
  for (const one of all) one.catch(() => undefined);
  onTestFinished(() => void (isOver = true));
  return {
    accepted,
    refusals,
    async stop() {
      isOver = true;
      await Promise.all(all);
    },
  };
}

/** Each accepted message is one job that ended with its answer, and there is no other job. */
async function expectOnce(server: PostgresServer, name: string, ids: Iterable<string>) {
  const open = `select count(*)::int as open from job where ended_at is null`;
  await until(async () => (await server.run(open, name)).rows[0].open === 0);
  const { rows } = await server.run('select id, outcome, reply from job', name);
  const stored = rows.map(({ id, outcome, reply }) => `${id} ${outcome} ${reply}`);
  expect(stored.toSorted()).toEqual([...ids].map((id) => `${id} answered Good.`).toSorted());
}

describe.skipIf(postgresMissing() !== null)('a core on PostgreSQL', () => {
  let primary: PostgresServer;
  let name: string;
  beforeEach(async () => {
    primary = await startPostgres();
    name = await primary.createDatabase();
  });
  afterEach(() => primary.remove());

  const open = async (hosts: string): Promise<CoreFixture> => {
    const database = primary.urlOf(name).replace(`127.0.0.1:${primary.port}`, hosts);
    const fixture = await openCore({ database });
    onTestFinished(() => fixture.close());
    return fixture;
  };

  test('goes on with the promoted standby when its primary dies under load, and every accepted message is there once', async () => {
    const standby = await primary.startStandby();
    onTestFinished(() => standby.remove());
    const fixture = await open(`127.0.0.1:${primary.port},127.0.0.1:${standby.port}`);
    const load = startLoad(fixture);
    await until(() => load.accepted.size > 30);
    await primary.kill();
    const before = load.accepted.size;
    await standby.promote();
    await until(() => load.accepted.size > before + 30, 60_000);
    await load.stop();
    for (const refusal of load.refusals)
      expect(refusal).toMatch(/^503 GH_STORE_UN(?:AVAILABLE|KNOWN)$/);
    await expectOnce(standby, name, load.accepted.values());
  }, 120_000);

  test('accepts nothing that only a primary without its standby has', async () => {
    const standby = await primary.startStandby();
    onTestFinished(() => standby.remove());
    const fixture = await open(`127.0.0.1:${primary.port},127.0.0.1:${standby.port}`);
    fixture.small.script(direct('Good.'), direct('Good.'));
    const first = await post(fixture, 'first', 'ann');
    await until(async () => (await fixture.client.job(first.job_id!)).state === 'done');
    standby.freeze(true);
    onTestFinished(() => standby.freeze(false));
    const second = post(fixture, 'second', 'ann');
    // The primary has stored it, and waits for the standby. After a restart it counts as committed there.
    const waits = `select 1 from pg_stat_activity where wait_event = 'SyncRep' and query ~ 'commit_batch'`;
    await until(async () => (await primary.run(waits)).rows.length > 0);
    await primary.crash();
    await primary.start();
    const stored = await primary.run(`select 1 from submission where key like '%second%'`, name);
    expect(stored.rows).toHaveLength(1);
    const { status, code } = await second;
    expect([status, code]).toEqual([503, 'GH_STORE_UNKNOWN']);
    // A repeat waits for the standby too.
    await expect(post(fixture, 'second', 'ann', AbortSignal.timeout(2_000))).rejects.toThrow(
      'abort',
    );
    await primary.kill();
    standby.freeze(false);
    await standby.promote();
    let repeated: Answer;
    await until(async () => {
      repeated = await post(fixture, 'second', 'ann');
      return repeated.status === 202;
    }, 60_000);
    await expectOnce(standby, name, [first.job_id!, repeated!.job_id!]);
  }, 120_000);

  test('answers 503 with a code while the network holds everything back for more than 10 s, and goes on then', async () => {
    const proxy = await openSeverableProxy(primary.port);
    onTestFinished(() => proxy.close());
    const fixture = await open(`127.0.0.1:${proxy.port}`);
    const load = startLoad(fixture);
    await until(() => load.accepted.size > 10);
    proxy.hold('toServer', 'toClient');
    // Longer than a caller waits for a commit in doubt.
    await Promise.all([sleep(11_000), until(() => load.refusals.size > 0, 30_000)]);
    proxy.restore();
    const accepted = load.accepted.size;
    await until(() => load.accepted.size > accepted + 10, 60_000);
    await load.stop();
    for (const refusal of load.refusals)
      expect(refusal).toMatch(/^503 GH_STORE_UN(?:AVAILABLE|KNOWN)$/);
    await expectOnce(primary, name, load.accepted.values());
  }, 120_000);
});
