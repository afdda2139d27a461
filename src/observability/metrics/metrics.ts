/**
 * Prometheus metrics of the core. Only this file and the other files of this folder that end in -metrics import
 * prom-client. docs/metrics.md describes each metric.
 *
 * Labels have few values, all defined by Gatehouse: never a user, a job, a text, or a requested address.
 */
import { Counter, Histogram, Registry } from 'prom-client';
import type { GateObservation } from '#models/gate/gate-options';
import type { ModelOutcome, RequestKind } from '#shared/model/model';
import type { DoorOutcome } from '#http/mcp/door-server';
import type { FinishedRequest } from '#http/server/finished-request-hook';
import type { Messaging } from '#events/messaging-port';
import type { McpServerView } from '#shared/wire/mcp-view';
import type { SpeculationFigures } from '#shared/model/speculation';
import type { Clock } from '#shared/clock';
import type { BackendPool } from '#models/backend-pool';
import { addMessagingMetrics } from './messaging-metrics.ts';
import { addGateMetrics } from './gate-metrics.ts';
import { createJobMetrics, type JobMetrics } from './job-metrics.ts';
import { secondsBuckets, shortSecondsBuckets, requestSecondsBuckets } from './metric-buckets.ts';
import { addClusterMetrics, type ClusterFigures } from './cluster-metrics.ts';
import { addMcpMetrics, mcpDoorCounter } from './mcp-metrics.ts';
import {
  addScheduleMetrics,
  type ScheduleObserver,
  type ScheduleSources,
} from './schedule-metrics.ts';
import { addSpeculationMetrics } from './speculation-metrics.ts';
import { addProcessMetrics } from './process-metrics.ts';
import { addStateGauges, type StateSources } from './state-metrics.ts';

export interface Metrics {
  readonly jobs: JobMetrics;
  observeGate(backend: string, observation: GateObservation): void;
  observeOutcome(kind: RequestKind, outcome: ModelOutcome): void;
  observeCommit(commit: { rows: number; ms: number }): void;
  observeFailedCommit(): void;
  /** An event of a schedule of this kind was stored. */
  observeScheduleEvent: ScheduleObserver;
  observeHttpRequest(exchange: FinishedRequest): void;
  /** A program has called a tool of `POST /mcp`. */
  observeDoorCall(tool: string, outcome: DoorOutcome): void;
  /** Prometheus text format. */
  text(): Promise<string>;
  /** Stops all measurements. */
  stop(): void;
}

export interface MetricsSources extends StateSources {
  pool: () => BackendPool;
  messaging: () => Pick<Messaging, 'status' | 'backlog' | 'channelDeliveries'>;
  mcp: () => readonly McpServerView[];
  schedules: ScheduleSources['schedules'];
  /** Null: this process is alone. */
  cluster: () => ClusterFigures | null;
  speculation: () => SpeculationFigures;
  clock: Clock;
}

/** From a large model on a small machine to a small model on a large machine. */
const tokenRateBuckets = [1, 2.5, 5, 10, 20, 30, 50, 75, 100, 150, 250, 500];
const rowsBuckets = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000];

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const jobs = createJobMetrics(registry);
  const observeGate = gateHistograms(registers);
  const observeOutcome = modelMetrics(registers);
  const commits = commitMetrics(registers);
  const observeExchange = createHttpMetrics(registry);
  addStateGauges(registry, sources);
  addMessagingMetrics(registry, sources.messaging);
  addGateMetrics(registry, sources.pool);
  addSpeculationMetrics(registry, sources.speculation);
  addMcpMetrics(registry, sources.mcp);
  addClusterMetrics(registry, sources.cluster);
  const observeScheduleEvent = addScheduleMetrics(registry, sources);
  const stop = addProcessMetrics(registry);

  return {
    jobs,
    observeGate,
    observeOutcome,
    ...commits,
    observeScheduleEvent,
    observeHttpRequest: observeExchange,
    observeDoorCall: mcpDoorCounter(registers),
    text: () => registry.metrics(),
    stop,
  };
}

function commitMetrics(
  registers: Registry[],
): Pick<Metrics, 'observeCommit' | 'observeFailedCommit'> {
  const time = new Histogram({
    name: 'gatehouse_commit_seconds',
    help: 'Time of a transaction of the journal, until it is on disk',
    buckets: shortSecondsBuckets,
    registers,
  });
  const size = new Histogram({
    name: 'gatehouse_commit_rows',
    help: 'Rows of the journal in one transaction',
    buckets: rowsBuckets,
    registers,
  });
  const failures = new Counter({
    name: 'gatehouse_commit_failures_total',
    help: 'Transactions of the journal that could not be written',
    registers,
  });
  return {
    observeCommit({ rows, ms }) {
      time.observe(ms / 1000);
      size.observe(rows);
    },
    observeFailedCommit: () => failures.inc(),
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

function modelMetrics(registers: Registry[]): Metrics['observeOutcome'] {
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

/** The first token ends the reading of the prompt, so it does not count towards the speed of generation. */
function tokenRate(
  completionTokens: number,
  { firstTokenMs, totalMs }: ModelOutcome['timings'],
): number | null {
  if (firstTokenMs === null || totalMs <= firstTokenMs || completionTokens < 2) return null;
  return ((completionTokens - 1) * 1000) / (totalMs - firstTokenMs);
}

function createHttpMetrics(registry: Registry): (exchange: FinishedRequest) => void {
  const registers = [registry];
  const requests = new Counter({
    name: 'gatehouse_http_requests_total',
    help: 'Requests by route and status; streams count when they have ended',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'gatehouse_http_request_seconds',
    help: 'Time from a request to its whole answer; without streams',
    labelNames: ['method', 'route'],
    buckets: requestSecondsBuckets,
    registers,
  });
  return ({ method, route, status, ms, isStream }) => {
    requests.inc({ method, route, status: String(status) });
    if (!isStream) seconds.observe({ method, route }, ms / 1000);
  };
}
