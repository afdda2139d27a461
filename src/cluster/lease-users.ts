/** The users of the leases of one worker, by the prefix of the lease's name: each is called with its own leases only. */
import type { Worker } from '#storage/postgres/leases';
import type { GainedLease, LeaseUser } from './cluster-member.ts';

export interface LeaseUsers extends LeaseUser {
  /**
   * Adds the user of the leases whose names begin with `prefix` (`part/`, `role/`, `gate/`). To be called before the
   * worker joins.
   */
  add(prefix: string, user: LeaseUser): void;
}

export function createLeaseUsers(): LeaseUsers {
  const users: { prefix: string; user: LeaseUser }[] = [];
  const ofPrefix = (names: Iterable<string>, prefix: string): string[] =>
    [...names].filter((name) => name.startsWith(prefix));
  return {
    add: (prefix, user) => void users.push({ prefix, user }),
    async gained(leases: ReadonlyMap<string, GainedLease>, worker: Worker) {
      const calls = users.map(async ({ prefix, user }) => {
        const own = ofPrefix(leases.keys(), prefix).map(
          (name) => [name, leases.get(name)!] as const,
        );
        if (own.length > 0) await user.gained(new Map(own), worker);
      });
      await settled(calls);
    },
    lost(names) {
      for (const { prefix, user } of users) {
        const own = ofPrefix(names, prefix);
        if (own.length > 0) user.lost(own);
      }
    },
    async handOver(names) {
      const calls = users.map(async ({ prefix, user }) => {
        const own = ofPrefix(names, prefix);
        if (own.length > 0) await user.handOver(own);
      });
      await settled(calls);
    },
  };
}

/** Waits for all, also when one fails. @throws the first error */
async function settled(calls: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(calls);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
