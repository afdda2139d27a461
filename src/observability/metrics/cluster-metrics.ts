/** Prometheus metrics of one worker of a cluster, read at each scrape. Without a cluster they have no values. */
import { Gauge, type Registry } from 'prom-client';
import type { WorkerCounters } from '#shared/wire/cluster-view';
import { addReadCounter } from './read-counter.ts';
import { addReadGauge } from './read-gauge.ts';

export interface ClusterFigures {
  /** All that are not gone. */
  workers: number;
  /** Of this worker. */
  partitions: number;
  /** Leases of the cluster without an owner that lives. */
  freeLeases: number;
  /** Infinity: no beat is stored. */
  beatAgeMs: number;
  /** No connection to NATS. */
  isIsolated: boolean;
  roles: readonly { role: string; isHeld: boolean }[];
  gates: readonly { backend: string; isArbiter: boolean; permits: number }[];
  counters: WorkerCounters;
}

/** @param figures null: this process is alone, or has not joined yet */
export function addClusterMetrics(registry: Registry, figures: () => ClusterFigures | null): void {
  const gauge = (name: string, help: string, of: (figures: ClusterFigures) => number): void =>
    addReadGauge(registry, name, help, () => {
      const read = figures();
      return read === null ? null : of(read);
    });
  gauge(
    'gatehouse_cluster_workers',
    'Workers that are not gone, as this one sees them',
    ({ workers }) => workers,
  );
  gauge(
    'gatehouse_cluster_partitions',
    'Partitions that this worker owns',
    ({ partitions }) => partitions,
  );
  gauge(
    'gatehouse_cluster_free_leases',
    'Leases of the cluster without an owner that lives, as this worker sees them',
    ({ freeLeases }) => freeLeases,
  );
  gauge(
    'gatehouse_cluster_beat_age_seconds',
    'Age of the last beat of this worker that the database has stored',
    ({ beatAgeMs }) => beatAgeMs / 1_000,
  );
  gauge(
    'gatehouse_cluster_isolated',
    '1 while this worker has been without NATS for so long that others take its work',
    ({ isIsolated }) => (isIsolated ? 1 : 0),
  );
  addLabelled(registry, figures);
  count(
    'gatehouse_cluster_takeovers_total',
    'Leases taken from workers that were gone',
    'takeovers',
  );
  count('gatehouse_cluster_handovers_total', 'Leases that this worker handed over', 'handovers');
  count('gatehouse_cluster_losses_total', 'Leases that others took from this worker', 'losses');
  count(
    'gatehouse_cluster_fenced_commits_total',
    'Commits of this worker that the database refused: another worker had the partition',
    'fenced_commits',
  );

  function count(name: string, help: string, key: keyof WorkerCounters): void {
    addReadCounter(registry, name, help, () => figures()?.counters[key] ?? null);
  }
}

function addLabelled(registry: Registry, figures: () => ClusterFigures | null): void {
  const add = (
    name: string,
    help: string,
    label: string,
    of: (figures: ClusterFigures) => readonly (readonly [string, number])[],
  ): void =>
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers: [],
        collect() {
          this.reset();
          const read = figures();
          for (const [value, number] of read === null ? [] : of(read))
            this.set({ [label]: value }, number);
        },
      }),
    );
  add('gatehouse_cluster_role', '1 while this worker has the role', 'role', ({ roles }) =>
    roles.map(({ role, isHeld }) => [role, isHeld ? 1 : 0]),
  );
  add(
    'gatehouse_cluster_gate_arbiter',
    '1 while this worker grants the requests to the backend',
    'backend',
    ({ gates }) => gates.map(({ backend, isArbiter }) => [backend, isArbiter ? 1 : 0]),
  );
  add(
    'gatehouse_cluster_gate_permits',
    'Requests of this worker that have a permit of the backend',
    'backend',
    ({ gates }) => gates.map(({ backend, permits }) => [backend, permits]),
  );
}
