/** Prometheus figures of the core, kept here and in gate-metrics.ts: the only doors to prom-client. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { GateObservation } from '../backends/gate-options.ts';
import type { ModelOutcome, RequestKind } from '../contract/model.ts';
import type { StateEvent } from '../contract/state-event.ts';
import type { JournalStats } from '../journal/journal.ts';
import type { BackendPool } from './backend-pool.ts';
import { addGateMetrics } from './gate-metrics.ts';

export interface Metrics {
  observeGate(backend: string, observation: GateObservation): void;
  observeOutcome(kind: RequestKind, outcome: ModelOutcome): void;
  observeEvent(event: StateEvent): void;
  /** Prometheus text format. */
  text(): Promise<string>;
}

export interface MetricsSources {
  journal: () => JournalStats;
  pool: () => BackendPool;
  /** Further gauges by name: what is waiting to be published, and the like. */
  gauges?: Record<string, { help: string; value: () => number }>;
}

/** Model calls take from tens of milliseconds to minutes. */
const secondsBuckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
/** From a large model on a small machine to a small one on a large machine. */
const tokenRateBuckets = [1, 2.5, 5, 10, 20, 30, 50, 75, 100, 150, 250, 500];

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const jobs = new Counter({
    name: 'gatehouse_jobs_ended_total',
    help: 'Jobs by how they ended',
    labelNames: ['outcome'],
    registers,
  });
  const observeGate = gateHistograms(registers);
  const observeOutcome = modelFigures(registers);
  addGauges(registers, sources);
  addGateMetrics(registry, sources.pool);

  return {
    observeGate,
    observeOutcome,
    observeEvent(event) {
      if (event.type === 'done') jobs.inc({ outcome: String(event.data['outcome']) });
      if (event.type === 'cancelled') jobs.inc({ outcome: 'cancelled' });
    },
    text: () => registry.metrics(),
  };
}

function gateHistograms(registers: Registry[]): Metrics['observeGate'] {
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
  return (backend, observation) => {
    const value = observation.ms / 1000;
    switch (observation.type) {
      case 'queueWait': {
        const { priority, kind } = observation;
        return wait.observe({ backend, priority, kind }, value);
      }
      case 'service': {
        const { kind, result } = observation;
        return service.observe({ backend, kind, result }, value);
      }
      case 'drain':
        return drain.observe({ backend }, value);
    }
  };
}

function modelFigures(registers: Registry[]): Metrics['observeOutcome'] {
  const outcomes = new Counter({
    name: 'gatehouse_model_requests_total',
    help: 'Requests to models by what became of them: ok, or the error_reason',
    labelNames: ['backend', 'kind', 'result'],
    registers,
  });
  const firstToken = new Histogram({
    name: 'gatehouse_model_first_token_seconds',
    help: 'From sending a request to its first visible token',
    labelNames: ['backend', 'kind'],
    buckets: secondsBuckets,
    registers,
  });
  const tokens = new Counter({
    name: 'gatehouse_model_tokens_total',
    help: 'Tokens of whole answers, as the servers count them',
    labelNames: ['backend', 'direction'],
    registers,
  });
  const rate = new Histogram({
    name: 'gatehouse_model_tokens_per_second',
    help: 'Speed of whole answers, from their first token to their end',
    labelNames: ['backend', 'kind'],
    buckets: tokenRateBuckets,
    registers,
  });
  return (kind, outcome) => {
    const { backend, timings } = outcome;
    outcomes.inc({ backend, kind, result: outcome.ok ? 'ok' : outcome.errorReason });
    if (timings.firstTokenMs !== null) {
      firstToken.observe({ backend, kind }, timings.firstTokenMs / 1000);
    }
    if (!outcome.ok || outcome.usage === null) return;
    const { promptTokens, completionTokens } = outcome.usage;
    tokens.inc({ backend, direction: 'prompt' }, promptTokens);
    tokens.inc({ backend, direction: 'completion' }, completionTokens);
    const perSecond = tokenRate(completionTokens, timings);
    if (perSecond !== null) rate.observe({ backend, kind }, perSecond);
  };
}

/** The first token is the end of reading the prompt, so it is no part of the speed of writing. */
function tokenRate(
  completionTokens: number,
  { firstTokenMs, totalMs }: ModelOutcome['timings'],
): number | null {
  if (firstTokenMs === null || totalMs <= firstTokenMs || completionTokens < 2) return null;
  return ((completionTokens - 1) * 1000) / (totalMs - firstTokenMs);
}

function addGauges(registers: Registry[], sources: MetricsSources): void {
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
  for (const [name, { help, value }] of Object.entries(sources.gauges ?? {})) {
    gauge(name, help, value);
  }
}
