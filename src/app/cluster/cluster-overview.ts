/** What this worker shows of the cluster: over HTTP, in the inspector, and as metrics. */
import type { ClusterMember } from '#cluster/cluster-member';
import type { ClusterGates } from '#cluster/gate/cluster-gates';
import { nameOf } from '#cluster/lease-history';
import type { ClusterFigures } from '#observability/metrics/cluster-metrics';
import {
  workerCountersSchema,
  type ClusterView,
  type WorkerCounters,
} from '#shared/wire/cluster-view';
import { partitionLease, partitions } from '#storage/postgres/partition';
import { parseWorkerInfo } from '#storage/postgres/worker-info';

export interface OverviewParts {
  member: ClusterMember;
  gates: Pick<ClusterGates, 'views'>;
  fencedCommits: number;
}

const partitionOfLease = new Map(
  Array.from({ length: partitions }, (_, partition) => [partitionLease(partition), partition]),
);

export const countersOf = ({ member, fencedCommits }: OverviewParts): WorkerCounters => ({
  ...member.counters,
  fenced_commits: fencedCommits,
});

/**
 * Null before the first look at the leases.
 * @param infos of the workers, by their ids, as JSON
 * @param askCounters of another worker, by its id; null: no answer
 */
export async function overviewOf(
  parts: OverviewParts,
  infos: ReadonlyMap<string, string>,
  askCounters: (id: string) => Promise<unknown>,
): Promise<ClusterView | null> {
  const { member, gates } = parts;
  const view = member.view();
  if (view === null) return null;
  const { worker: self, live, leases } = view;
  const heldBy = new Map<string, string[]>(live.map(({ id }) => [id, []]));
  for (const { name, worker } of leases) if (worker !== null) heldBy.get(worker)?.push(name);
  const workers = live.map(async (worker) => {
    const { id, machineVersion, isIsolated, silentMs } = worker;
    const about = parseWorkerInfo(infos.get(id) ?? '');
    const isSelf = id === self.id;
    return {
      id,
      name: nameOf(worker),
      is_self: isSelf,
      is_isolated: isIsolated,
      version: about?.version ?? null,
      host: about?.host ?? null,
      machine: machineVersion,
      silent_ms: Math.round(silentMs),
      ...held(heldBy.get(id) ?? []),
      counters: isSelf
        ? countersOf(parts)
        : (workerCountersSchema.safeParse(await askCounters(id)).data ?? null),
    };
  });
  return {
    self: self.id,
    is_confirmed: member.isConfirmed(),
    workers: await Promise.all(workers),
    leases: leases.map(({ name, worker, epoch }) => ({ name, worker, epoch })),
    gates: gates.views().map(({ backend, arbiter }) => ({
      backend,
      worker: arbiter?.worker ?? null,
      epoch: arbiter?.epoch ?? null,
      permits: arbiter?.permits ?? [],
    })),
    changes: member
      .changes()
      .map(({ at, ...change }) => ({ at: new Date(at).toISOString(), ...change })),
  };
}

function held(names: readonly string[]) {
  const under = (prefix: string): string[] =>
    names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const own = names.flatMap((name) => partitionOfLease.get(name) ?? []);
  return {
    partitions: own.toSorted((a, b) => a - b),
    roles: under('role/').toSorted(),
    gates: under('gate/').toSorted(),
  };
}

export function figuresOf(parts: OverviewParts): ClusterFigures | null {
  const { member, gates } = parts;
  const view = member.view();
  if (view === null) return null;
  const { worker: self, live, leases } = view;
  const ids = new Set(live.map(({ id }) => id));
  const isOwn = new Set(member.owned());
  const roles = leases.map(({ name }) => name).filter((name) => name.startsWith('role/'));
  return {
    workers: live.length,
    partitions: [...isOwn].filter((name) => partitionOfLease.has(name)).length,
    freeLeases: leases.filter(({ worker }) => worker === null || !ids.has(worker)).length,
    beatAgeMs: member.beatAgeMs(),
    isIsolated: live.find(({ id }) => id === self.id)?.isIsolated ?? false,
    roles: roles.map((name) => ({ role: name.slice('role/'.length), isHeld: isOwn.has(name) })),
    gates: gates.views().map(({ backend, arbiter, running }) => ({
      backend,
      isArbiter: arbiter?.isSelf === true,
      permits: running,
    })),
    counters: countersOf(parts),
  };
}
