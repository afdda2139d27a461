/** Prometheus figures of the core. The only door to prom-client. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { GateObservation } from '../backends/gate-options.ts';
import type { StateEvent } from '../contract/state-event.ts';
import type { JournalStats } from '../journal/journal.ts';
import type { BackendPool } from './backend-pool.ts';

export interface Metrics {
  observeGate(backend: string, observation: GateObservation): void;
  observeEvent(event: StateEvent): void;
  /** Prometheus text format. */
  text(): Promise<string>;
}

/** Model calls take from tens of milliseconds to minutes. */
const secondsBuckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

export function createMetrics(sources: {
  journal: () => JournalStats;
  pool: () => BackendPool;
  /** Further gauges by name: what is waiting to be published, and the like. */
  gauges?: Record<string, { help: string; value: () => number }>;
}): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  const jobs = new Counter({
    name: 'gatehouse_jobs_ended_total',
    help: 'Jobs by how they ended',
    labelNames: ['outcome'],
    registers,
  });
  const seconds = (name: string, help: string, labelNames: string[]) =>
    new Histogram({ name, help, labelNames, buckets: secondsBuckets, registers });
  const wait = seconds('gatehouse_gate_wait_seconds', 'Wait at the gate', [
    'backend',
    'priority',
    'kind',
  ]);
  const service = seconds('gatehouse_gate_service_seconds', 'Time a request held its permit', [
    'backend',
    'kind',
    'result',
  ]);
  const drain = seconds('gatehouse_gate_drain_seconds', 'Time from an abort to a free slot', [
    'backend',
  ]);
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge('gatehouse_jobs_queued', 'Jobs that wait for their turn', () => sources.journal().queued);
  gauge('gatehouse_jobs_running', 'Jobs that run', () => sources.journal().running);
  gauge('gatehouse_jobs_loaded', 'Jobs in memory', () => sources.journal().loaded);
  gauge('gatehouse_storage_up', '1 while the last commit worked', () =>
    sources.journal().isStorageUp ? 1 : 0,
  );
  for (const [name, { help, value }] of Object.entries(sources.gauges ?? {}))
    gauge(name, help, value);
  gateGauges(sources.pool, registers);

  return {
    observeGate(backend, observation) {
      const { ms, type } = observation;
      if (type === 'queueWait') {
        wait.observe(
          { backend, priority: observation.priority, kind: observation.kind },
          ms / 1000,
        );
      } else if (type === 'service') {
        service.observe({ backend, kind: observation.kind, result: observation.result }, ms / 1000);
      } else {
        drain.observe({ backend }, ms / 1000);
      }
    },
    observeEvent(event) {
      if (event.type === 'done') jobs.inc({ outcome: String(event.data['outcome']) });
      if (event.type === 'cancelled') jobs.inc({ outcome: 'cancelled' });
    },
    text: () => registry.metrics(),
  };
}

function gateGauges(pool: () => BackendPool, registers: Registry[]): void {
  const waiting = new Gauge({
    name: 'gatehouse_gate_waiting',
    help: 'Requests that wait at the gate',
    labelNames: ['backend', 'priority'],
    registers,
    collect() {
      for (const { gate } of pool().members) {
        const { id, waitingByClass } = gate.view();
        for (const [priority, count] of Object.entries(waitingByClass)) {
          waiting.set({ backend: id, priority }, count);
        }
      }
    },
  });
  const counters = new Gauge({
    name: 'gatehouse_gate_events',
    help: 'Grants, preemptions, overtakes and refusals of the gate since the start',
    labelNames: ['backend', 'what'],
    registers,
    collect() {
      for (const { gate } of pool().members) {
        const { id, counters: counts } = gate.view();
        const { refusals, ...rest } = counts;
        for (const [what, count] of Object.entries(rest))
          counters.set({ backend: id, what }, count);
        for (const [reason, count] of Object.entries(refusals)) {
          counters.set({ backend: id, what: `refused_${reason}` }, count);
        }
      }
    },
  });
  const up = new Gauge({
    name: 'gatehouse_backend_up',
    help: '1 while the backend is healthy and its circuit closed',
    labelNames: ['backend'],
    registers,
    collect() {
      for (const { gate, health } of pool().members) {
        const { healthy } = health.store.getSnapshot().context;
        const { id, circuit } = gate.view();
        up.set({ backend: id }, healthy !== false && circuit === 'closed' ? 1 : 0);
      }
    },
  });
}
