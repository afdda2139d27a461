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

/** Starts a role when its lease is gained, and stops it when it is lost or handed over; one call after another. */
export function createRoleUser(roles: readonly Role[], log: Log): LeaseUser {
  const inOrder = createSerialQueue();
  const started = new Set<string>();
  const rolesOf = (names: Iterable<string>): Role[] => {
    const wanted = new Set(names);
    return roles.filter(({ name }) => wanted.has(name));
  };
  const stop = ({ name, stop: end }: Role): Promise<void> =>
    inOrder(name, async () => {
      if (!started.delete(name)) return;
      await end();
    });
  return {
    async gained(leases, worker) {
      const starts = rolesOf(leases.keys()).map((role) =>
        inOrder(role.name, async () => {
          started.add(role.name);
          await role.start(leases.get(role.name)!, worker);
        }),
      );
      await Promise.all(starts);
    },
    lost(names) {
      for (const role of rolesOf(names)) {
        stop(role).catch((error: unknown) =>
          log.error({ role: role.name, error: messageOf(error) }, 'a role could not be stopped'),
        );
      }
    },
    async handOver(names) {
      await Promise.all(rolesOf(names).map(stop));
    },
  };
}
