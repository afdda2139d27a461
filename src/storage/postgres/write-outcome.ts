/** Whether a write whose leases are not as it claims took effect: after a lost answer, or because another has taken one. */
import type { PostgresDatabase, PreparedStatement } from './postgres-database.ts';

/** What a write says about one lease. */
export interface LeaseClaim {
  partition: number;
  name: string;
  epoch: number;
  /** Position before and after the write. */
  before: number;
  after: number;
}

export interface WriteOutcome {
  isCommitted: boolean;
  /** Partitions that this process does not own any more. */
  lost: number[];
}

/**
 * `isInDoubt`: the write was sent before, and no answer came. The positions of a lease tell: a write advances all its
 * leases or none, and the history has the position at which the next owner began.
 * @throws the error of the driver
 */
export async function findOutcome(
  database: PostgresDatabase,
  workerId: string,
  claims: readonly LeaseClaim[],
  isInDoubt: boolean,
): Promise<WriteOutcome> {
  const rows = await database.run(selectLeases, [
    claims.map(({ name }) => name),
    claims.map(({ epoch }) => epoch),
  ]);
  const states = new Map(rows.map((row) => [row.name, row]));
  const isOwn = (claim: LeaseClaim): boolean => {
    const state = states.get(claim.name);
    return state?.worker === workerId && state.epoch === claim.epoch;
  };
  /** The last position that was written in the epoch of the claim. */
  const endOf = (claim: LeaseClaim): number => {
    const state = states.get(claim.name)!;
    // Also of a lease that was given up meanwhile: its position is the last one of that epoch until it is taken.
    return state.epoch === claim.epoch ? state.pos : (state.next_from ?? claim.before);
  };
  const isCommitted = isInDoubt && claims.every((claim) => endOf(claim) === claim.after);
  const lost = claims
    .filter((claim) => !isOwn(claim) || (!isCommitted && endOf(claim) !== claim.before))
    .map(({ partition }) => partition);
  return { isCommitted, lost };
}

interface LeaseState {
  name: string;
  worker: string | null;
  epoch: number;
  pos: number;
  next_from: number | null;
}

const selectLeases: PreparedStatement<LeaseState> = {
  name: 'lock_leases',
  // A restarted primary shows commits that its synchronous standby does not have. The lock of the rows makes this a
  // transaction that writes: its end waits for the standby, and so for all commits before it.
  text: `select lease.name, lease.worker, lease.epoch, lease.pos, next.pos_from as next_from
    from unnest($1::text[], $2::bigint[]) as claim (name, epoch)
    join lease on lease.name = claim.name
    left join lease_history as next on next.name = claim.name and next.epoch = claim.epoch + 1
    order by lease.name collate "C" for update of lease`,
};
