/** What changed between the looks of a worker at the table of leases: who joined, who is gone, which leases moved. */
import type { LeaseState, Worker } from '#storage/postgres/leases';

export interface LeaseChange {
  /** Epoch ms, for people. */
  at: number;
  type: 'joined' | 'gone' | 'takeover' | 'handover';
  /** Name of the worker that joined, is gone, or has the leases now. */
  worker: string;
  /** Name of the previous owner of the leases. */
  from: string | null;
  leases: string[];
}

type Named = Pick<Worker, 'id' | 'name'>;

/** For people. */
export const nameOf = ({ id, name = '' }: Named): string => (name === '' ? id : name);

export interface LeaseHistory {
  observe(at: number, live: readonly Named[], leases: readonly LeaseState[]): void;
  /** The newest first. */
  changes(): LeaseChange[];
}

export function createLeaseHistory(keptMax = 200): LeaseHistory {
  const changes: LeaseChange[] = [];
  /** The last owner of each lease: a lease that is free for a moment has moved only when somebody has it. */
  const owners = new Map<string, string>();
  const names = new Map<string, string>();
  let workers: Set<string> | null = null;

  return {
    observe(at, live, leases) {
      const now = new Set(live.map(({ id }) => id));
      for (const worker of live) names.set(worker.id, nameOf(worker));
      const named = (id: string): string => names.get(id) ?? id;
      const before = workers;
      workers = now;
      const moved = new Map<string, LeaseChange>();
      for (const { name, worker } of leases) {
        const from = owners.get(name) ?? null;
        if (worker === null || worker === from) continue;
        owners.set(name, worker);
        const type = from === null || now.has(from) ? 'handover' : 'takeover';
        const key = `${from} ${worker}`;
        const change = moved.get(key) ?? {
          at,
          type,
          worker: named(worker),
          from: from === null ? null : named(from),
          leases: [],
        };
        change.leases.push(name);
        moved.set(key, change);
      }
      // The first look sees a state, not a change.
      if (before === null) return;
      const only = (one: ReadonlySet<string>, other: ReadonlySet<string>): string[] =>
        [...one].filter((id) => !other.has(id));
      const ofWorker = (type: 'joined' | 'gone') => (id: string) =>
        changes.push({ at, type, worker: named(id), from: null, leases: [] });
      only(before, now).forEach(ofWorker('gone'));
      only(now, before).forEach(ofWorker('joined'));
      changes.push(...moved.values());
      changes.splice(0, Math.max(0, changes.length - keptMax));
      const needed = new Set([...now, ...owners.values()]);
      for (const id of names.keys()) if (!needed.has(id)) names.delete(id);
    },
    changes: () => changes.toReversed(),
  };
}
