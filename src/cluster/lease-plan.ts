/** Which leases a worker takes, and which it hands over to a worker that has joined. */
import type { LeaseState, Worker } from '#storage/postgres/leases';
import { winnerOf } from './rendezvous.ts';

export interface LeasePlan {
  take: LeaseState[];
  /** To be handed over: another worker shall have them. */
  handOver: LeaseState[];
}

/**
 * `live`: the workers that are not gone, this one included. A lease is taken when its owner is gone or has handed it over,
 * by one worker of the live ones; a worker with an older machine never gets it, and one without a connection to the
 * message server only when no other has one.
 */
export function planLeases(
  self: Worker,
  live: readonly (Worker & { isIsolated?: boolean })[],
  leases: readonly LeaseState[],
): LeasePlan {
  const ids = new Set(live.map(({ id }) => id));
  const plan: LeasePlan = { take: [], handOver: [] };
  for (const lease of leases) {
    const able = live.filter((worker) => worker.machineVersion >= lease.machineVersion);
    const connected = able.filter(({ isIsolated }) => isIsolated !== true);
    const candidates = connected.length > 0 ? connected : able;
    const winner = winnerOf(
      lease.name,
      candidates.map(({ id }) => id),
    );
    const isOwned = lease.worker !== null && ids.has(lease.worker);
    if (!isOwned && winner === self.id) plan.take.push(lease);
    if (lease.worker === self.id && winner !== null && winner !== self.id)
      plan.handOver.push(lease);
  }
  return plan;
}
