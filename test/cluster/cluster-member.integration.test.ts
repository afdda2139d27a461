/** Ownership of leases by several workers on a real PostgreSQL: joining, leaving, silence, pauses of the network. */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { backgroundTask } from '#app/background-task';
import { createRoleUser } from '#cluster/roles';
import { joinCluster, type ClusterMember, type ClusterOptions } from '#cluster/cluster-member';
import { winnerOf } from '#cluster/rendezvous';
import { silentLog } from '#shared/log';
import { ensureLeases, registerWorker, takeLeases } from '#storage/postgres/leases';
import { openPostgres } from '#storage/postgres/postgres-database';
import { openSeverableProxy } from '#test/chaos/severable-proxy';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';

const missing = postgresMissing();
let server: PostgresServer;
const timing = { beatMs: 40, goneAfterMs: 600, goneFastAfterMs: 200 };
const handOverMax = 100;

interface Seen {
  member: ClusterMember;
  /** Epoch of each lease in use. */
  owned: Map<string, number>;
  /** All that were ever gained. */
  gained: { name: string; epoch: number; pos: number }[];
}

describe.skipIf(missing !== null)('workers of a cluster', () => {
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());

  /** `port`: of the proxy in between, if there is one. */
  async function join(
    name: string,
    more: Partial<ClusterOptions> & { port?: number } = {},
  ): Promise<Seen> {
    const url = server.urlOf(name, more.port);
    const database = await openPostgres({ url, connectTimeoutMs: 1_000 });
    const owned = new Map<string, number>();
    const gained: Seen['gained'] = [];
    const forget = (names: readonly string[]): void => {
      for (const name of names) owned.delete(name);
    };
    const member = await joinCluster({
      database,
      machineVersion: 1,
      leases: ['role/sequencer', 'role/intake'],
      log: silentLog(),
      timing,
      handOverMax,
      user: {
        gained(leases) {
          for (const [name, { epoch, pos }] of leases) {
            owned.set(name, epoch);
            gained.push({ name, epoch, pos });
          }
        },
        lost: forget,
        handOver: async (names) => forget(names),
      },
      ...more,
    });
    onTestFinished(async () => {
      await member.leave().catch(() => undefined);
      await database.close();
    });
    return { member, owned, gained };
  }

  const owners = async (database: string): Promise<Map<string, string | null>> => {
    const { rows } = await server.run('select name, worker from lease', database);
    return new Map(
      rows.map(({ name, worker }: { name: string; worker: string }) => [name, worker]),
    );
  };

  /** Each lease belongs to its winner among these, in the table and in what they know. */
  const isSettled = async (database: string, seen: readonly Seen[]): Promise<boolean> => {
    const table = await owners(database);
    const ids = seen.map(({ member }) => member.view()!.worker.id);
    const total = seen.reduce((sum, { owned }) => sum + owned.size, 0);
    return (
      total === table.size &&
      [...table].every(([name, worker]) => {
        const at = ids.indexOf(worker ?? '');
        return worker === winnerOf(name, ids) && seen[at]!.owned.has(name);
      })
    );
  };

  test('do a new role, which is one line, one at a time, whoever joins and leaves', async () => {
    const name = await server.createDatabase();
    const running: string[] = [];
    let most = 0;
    const joinWithRole = (id: string): Promise<Seen> => {
      const role = backgroundTask('role/new', () => {
        running.push(id);
        most = Math.max(most, running.length);
        // Its end takes a moment.
        return async () => {
          await yieldToEventLoop();
          running.splice(running.indexOf(id), 1);
        };
      });
      return join(name, { leases: [role.name], user: createRoleUser([role], silentLog()) });
    };
    const live = new Map<string, Seen>();
    const holders = new Set<string>();
    for (let round = 0; round < 8; round += 1) {
      live.set(`w${round}`, await joinWithRole(`w${round}`));
      if (live.size < 3) continue;
      await until(() => running.length === 1);
      const [holder] = running;
      holders.add(holder!);
      await live.get(holder!)!.member.leave();
      live.delete(holder!);
      await until(() => running.length === 1 && running[0] !== holder);
    }
    expect(most).toBe(1);
    expect(holders.size).toBe(6);
  });

  test('share all leases, and the first one hands over what those who join win', async () => {
    const name = await server.createDatabase();
    const first = await join(name);
    expect(first.owned.size).toBe(66);
    const second = await join(name);
    const third = await join(name);
    await until(() => isSettled(name, [first, second, third]));
    expect(second.owned.size).toBeGreaterThan(8);
    expect(third.owned.size).toBeGreaterThan(8);
  });

  test('have the leases of one that leaves as soon as they are told', async () => {
    const name = await server.createDatabase();
    const first = await join(name, { timing: { ...timing, beatMs: 1_000, goneAfterMs: 5_000 } });
    const second = await join(name, { onReleased: () => first.member.wake() });
    await until(() => {
      first.member.wake();
      second.member.wake();
      return isSettled(name, [first, second]);
    });
    await second.member.leave();
    expect(second.owned.size).toBe(0);
    await until(() => isSettled(name, [first]));
  });

  test('are not given a lease that was lost while a handover delayed the news', async () => {
    const name = await server.createDatabase();
    const roles = Array.from({ length: 20 }, (_, index) => `role/late-${index}`);
    const handedOver = Promise.withResolvers<void>();
    const gained: string[] = [];
    const lost: string[] = [];
    const first = await join(name, {
      user: {
        gained: (leases) => void gained.push(...leases.keys()),
        lost: (names) => void lost.push(...names),
        handOver: () => handedOver.promise,
      },
    });
    await join(name);
    // Its handover to the second one begins, and delays all later calls.
    await until(() => first.member.view()!.live.length === 2);
    const thief = await openPostgres({ url: server.urlOf(name) });
    onTestFinished(() => thief.close());
    // Of a newer machine: the others never take them back.
    const worker = { id: 'thief', machineVersion: 2 };
    await registerWorker(thief, worker);
    await ensureLeases(thief, roles);
    const id = first.member.view()!.worker.id;
    const taken = async (): Promise<string[]> =>
      [...(await owners(name))].flatMap(([lease, owner]) =>
        owner === id && roles.includes(lease) ? [lease] : [],
      );
    await until(async () => (await taken()).length > 0);
    await takeLeases(thief, worker, roles);
    await until(() => lost.some((lease) => roles.includes(lease)));
    handedOver.resolve();
    await until(async () => [...(await owners(name)).values()].includes(id));
    await first.member.leave();
    expect(gained.filter((lease) => roles.includes(lease))).toEqual([]);
  });

  test('take the leases of one that is silent, which forgets them and joins with a new id', async () => {
    const name = await server.createDatabase();
    const proxy = await openSeverableProxy(server.port);
    onTestFinished(() => proxy.close());
    const first = await join(name);
    const { port } = proxy;
    const second = await join(name, { port });
    await until(() => isSettled(name, [first, second]));
    const id = second.member.view()!.worker.id;
    proxy.sever();
    await until(() => isSettled(name, [first]));
    // It knows by its own clock, before it can reach the database again.
    expect(second.member.isConfirmed()).toBe(false);
    proxy.restore();
    await until(() => isSettled(name, [first, second]));
    expect(second.member.view()!.worker.id).not.toBe(id);
    expect(second.member.isConfirmed()).toBe(true);
  });

  test('wait less for one that nothing hears on the bus either', async () => {
    const name = await server.createDatabase();
    const proxy = await openSeverableProxy(server.port);
    onTestFinished(() => proxy.close());
    const asked: string[] = [];
    const patient = { ...timing, goneAfterMs: 600_000 };
    const first = await join(name, {
      timing: patient,
      isUnreachable: async (id) => asked.push(id) > 0,
    });
    const { port } = proxy;
    const second = await join(name, { timing: patient, port });
    await until(() => isSettled(name, [first, second]));
    const id = second.member.view()!.worker.id;
    proxy.sever();
    await until(() => isSettled(name, [first]));
    expect(new Set(asked)).toEqual(new Set([id]));
  });

  test('take nothing while all are cut off, also after a time longer than the limit', async () => {
    const name = await server.createDatabase();
    const proxy = await openSeverableProxy(server.port);
    onTestFinished(() => proxy.close());
    const { port } = proxy;
    const seen = [await join(name, { port }), await join(name, { port })];
    await until(() => isSettled(name, seen));
    const ids = seen.map(({ member }) => member.view()!.worker.id);
    proxy.sever();
    await until(() => seen.every(({ member }) => !member.isConfirmed()));
    proxy.restore();
    await until(() => seen.every(({ member }) => member.isConfirmed()));
    expect(seen.map(({ member }) => member.view()!.worker.id)).toEqual(ids);
    expect(await isSettled(name, seen)).toBe(true);
  });

  test('never give a lease of a newer machine back to an older one', async () => {
    const name = await server.createDatabase();
    const old = await join(name);
    const newer = await join(name, { machineVersion: 2 });
    await until(() => isSettled(name, [old, newer]));
    const names = [...newer.owned.keys()];
    await newer.member.leave();
    const again = await join(name);
    await until(async () => again.member.view()!.live.length === 2);
    const table = await owners(name);
    expect(names.map((name) => table.get(name))).toEqual(names.map(() => null));
    const third = await join(name, { machineVersion: 3 });
    await until(() => names.every((name) => third.owned.has(name)));
  });

  test('never use one epoch of a lease twice, whatever joins, leaves and is cut off', async () => {
    const name = await server.createDatabase();
    const proxy = await openSeverableProxy(server.port);
    onTestFinished(() => proxy.close());
    const { port } = proxy;
    const all: Seen[] = [await join(name)];
    let live = [...all];
    for (let round = 0; round < 12; round += 1) {
      const seen = await join(name, round % 2 === 0 ? { port } : {});
      all.push(seen);
      live.push(seen);
      if (round % 3 === 2) {
        const [leaver] = live.splice(1 + (round % (live.length - 1)), 1);
        await leaver!.member.leave();
      }
      if (round % 4 === 1) {
        proxy.sever();
        await until(() => live.some(({ member }) => !member.isConfirmed()));
        proxy.restore();
      }
    }
    await until(() => isSettled(name, live));
    const uses = all.flatMap(({ gained }) => gained.map(({ name, epoch }) => `${name} ${epoch}`));
    expect(new Set(uses).size).toBe(uses.length);
    live = [];
  });
});
