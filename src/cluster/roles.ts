/** Tasks that one worker of a cluster does at a time: the holder of the lease of the task. */
import { createSerialQueue } from '#shared/serial-queue';
import { messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import type { MaybePromise } from '#shared/maybe-promise';
import type { HeldLease, Worker } from '#storage/postgres/leases';
import type { LeaseUser } from './cluster-member.ts';

export interface Role {
  /** `role/…`, the name of its lease. */
  name: string;
  start(lease: HeldLease, worker: Worker): MaybePromise<void>;
  /** Resolves when it does nothing any more. It may be started again. */
  stop(): MaybePromise<void>;
}

/** A start that failed is repeated after this time. */
const defaultRetryMs = 1_000;

/**
 * Starts a role when its lease is gained, and stops it when it is lost or handed over; one call after another. A start that
 * failed is repeated while the lease is held: no other worker does the task.
 */
export function createRoleUser(
  roles: readonly Role[],
  log: Log,
  retryMs: number = defaultRetryMs,
): LeaseUser {
  const inOrder = createSerialQueue();
  const held = new Map<string, HeldLease>();
  const rolesOf = (names: Iterable<string>): Role[] => {
    const wanted = new Set(names);
    return roles.filter(({ name }) => wanted.has(name));
  };
  const fail = ({ name }: Role, error: unknown, what: string): void =>
    log.error({ role: name, error: messageOf(error) }, what);
  const start = async (role: Role, lease: HeldLease, worker: Worker): Promise<void> => {
    try {
      await role.start(lease, worker);
    } catch (error) {
      const again = (): Promise<void> =>
        inOrder(role.name, async () => {
          if (held.get(role.name) === lease) await start(role, lease, worker);
        });
      const retry = (): void =>
        void again().catch((cause: unknown) => fail(role, cause, 'a role could not be started'));
      setTimeout(retry, retryMs).unref();
      throw error;
    }
  };
  const stop = (role: Role): Promise<void> =>
    inOrder(role.name, async () => {
      if (held.delete(role.name)) await role.stop();
    });
  return {
    async gained(leases, worker) {
      const starts = rolesOf(leases.keys()).map((role) =>
        inOrder(role.name, async () => {
          const lease = leases.get(role.name)!;
          held.set(role.name, lease);
          await start(role, lease, worker);
        }),
      );
      await Promise.all(starts);
    },
    lost(names) {
      for (const role of rolesOf(names))
        stop(role).catch((error: unknown) => fail(role, error, 'a role could not be stopped'));
    },
    async handOver(names) {
      await Promise.all(rolesOf(names).map(stop));
    },
  };
}
