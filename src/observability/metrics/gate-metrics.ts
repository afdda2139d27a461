/** Prometheus metrics of the gates, read from their views at each scrape: they do not slow a gate down. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { GateView } from '#models/gate/gate-view';
import type { BackendPool } from '#models/backend-pool';

const circuitStates: readonly GateView['circuit'][] = ['closed', 'open', 'half-open'];

/** Adds the metrics to the registry. `pool` is called at each scrape. */
export function addGateMetrics(registry: Registry, pool: () => BackendPool): void {
  // Over several workers only that of the arbiter: the sum over all workers counts each request once.
  const views = (): GateView[] =>
    pool()
      .members.map(({ gate }) => gate.view())
      .filter(({ arbiter }) => arbiter === undefined || arbiter?.isSelf === true);
  const add = (metric: Counter | Gauge): void => registry.registerMetric(metric);

  const count = (
    name: string,
    help: string,
    of: (counters: GateView['counters']) => number,
  ): void => {
    add(
      new Counter({
        name,
        help,
        labelNames: ['backend'],
        registers: [],
        collect() {
          this.reset();
          for (const { id, counters } of views()) this.inc({ backend: id }, of(counters));
        },
      }),
    );
  };
  count('gatehouse_gate_grants_total', 'Permits that were given', (of) => of.grants);
  count(
    'gatehouse_gate_preemptions_total',
    'Background requests that were aborted for a person',
    (of) => of.preemptions,
  );
  count(
    'gatehouse_gate_overtakes_total',
    'Grants to people while earlier background work went on waiting',
    (of) => of.overtakes,
  );
  count(
    'gatehouse_gate_expired_leases_total',
    'Holders that never ended and lost their slot',
    (of) => of.expiredLeases,
  );
  add(
    new Counter({
      name: 'gatehouse_gate_refusals_total',
      help: 'Requests that got no permit, by reason',
      labelNames: ['backend', 'reason'],
      registers: [],
      collect() {
        this.reset();
        for (const { id, counters } of views()) {
          for (const [reason, value] of Object.entries(counters.refusals)) {
            this.inc({ backend: id, reason }, value);
          }
        }
      },
    }),
  );

  addGauges(add, views);
  add(backendUp(pool));
}

const backendUp = (pool: () => BackendPool): Gauge =>
  new Gauge({
    name: 'gatehouse_backend_up',
    help: '1 while the backend is healthy and its circuit closed',
    labelNames: ['backend'],
    registers: [],
    collect() {
      for (const { gate, health } of pool().members) {
        const { healthy } = health.store.getSnapshot().context;
        const { id, circuit } = gate.view();
        this.set({ backend: id }, healthy !== false && circuit === 'closed' ? 1 : 0);
      }
    },
  });

function addGauges(add: (gauge: Gauge) => void, views: () => GateView[]): void {
  add(
    new Gauge({
      name: 'gatehouse_gate_waiting',
      help: 'Requests that wait at the gate',
      labelNames: ['backend', 'priority'],
      registers: [],
      collect() {
        this.reset();
        for (const { id, waitingByClass } of views()) {
          for (const [priority, value] of Object.entries(waitingByClass)) {
            this.set({ backend: id, priority }, value);
          }
        }
      },
    }),
  );
  add(
    new Gauge({
      name: 'gatehouse_gate_held',
      help: 'Slots that are taken: by a request that runs, or by one that was aborted and still drains',
      labelNames: ['backend', 'phase'],
      registers: [],
      collect() {
        this.reset();
        for (const { id, running } of views()) {
          for (const phase of ['running', 'draining'] as const) {
            const value = running.filter((holder) => holder.phase === phase).length;
            this.set({ backend: id, phase }, value);
          }
        }
      },
    }),
  );
  add(
    new Gauge({
      name: 'gatehouse_gate_circuit',
      help: '1 for the state in which the circuit is, 0 for the others',
      labelNames: ['backend', 'state'],
      registers: [],
      collect() {
        this.reset();
        for (const { id, circuit } of views()) {
          for (const state of circuitStates) {
            this.set({ backend: id, state }, state === circuit ? 1 : 0);
          }
        }
      },
    }),
  );
}
