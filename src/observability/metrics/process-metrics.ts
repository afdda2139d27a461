/**
 * Process metrics under the names that Node dashboards expect. prom-client's default metrics are not used: they run
 * until the process ends, and a stopped core must leave nothing running.
 */
import { monitorEventLoopDelay, PerformanceObserver, constants } from 'node:perf_hooks';
import { readdirSync } from 'node:fs';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { shortSecondsBuckets } from './metric-buckets.ts';
import { addReadGauge } from './read-gauge.ts';

/** A shorter interval wakes an idle laptop more often; a longer interval hides pauses that users notice. */
const resolutionMs = 20;

const collectionKinds: Record<number, string> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** Returns the function that stops the measurements. */
export function addProcessMetrics(registry: Registry): () => void {
  addMemory(registry);
  addProcessor(registry);
  const stops = [addLoopDelay(registry), addCollections(registry)];
  return () => {
    for (const stop of stops) stop();
  };
}

function addMemory(registry: Registry): void {
  const of = (part: keyof NodeJS.MemoryUsage) => () => process.memoryUsage()[part];
  addReadGauge(
    registry,
    'process_resident_memory_bytes',
    'Memory that the process holds',
    of('rss'),
  );
  addReadGauge(registry, 'nodejs_heap_size_total_bytes', 'Heap that V8 has', of('heapTotal'));
  addReadGauge(registry, 'nodejs_heap_size_used_bytes', 'Heap that is in use', of('heapUsed'));
  addReadGauge(
    registry,
    'nodejs_external_memory_bytes',
    'Memory outside of the heap',
    of('external'),
  );
  const startedAt = (performance.timeOrigin / 1000) | 0;
  addReadGauge(
    registry,
    'process_start_time_seconds',
    'When the process began, since 1970',
    () => startedAt,
  );
  // Only Linux has this information.
  if (process.platform === 'linux') {
    addReadGauge(
      registry,
      'process_open_fds',
      'Open files and sockets',
      () => readdirSync('/proc/self/fd').length,
    );
  }
}

function addProcessor(registry: Registry): void {
  registry.registerMetric(
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Processor time, of all threads',
      registers: [],
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    }),
  );
}

/** Since the last scrape: otherwise one long pause would hide all later pauses forever. */
function addLoopDelay(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  // The measured delay includes the sampling interval.
  const seconds = (ns: number): number =>
    Number.isFinite(ns) ? Math.max(0, ns / 1e9 - resolutionMs / 1000) : 0;
  addReadGauge(
    registry,
    'nodejs_eventloop_lag_mean_seconds',
    'Mean delay of the event loop since the last scrape',
    () => seconds(delay.mean),
  );
  addReadGauge(registry, 'nodejs_eventloop_lag_p99_seconds', 'The same, 99th percentile', () =>
    seconds(delay.percentile(99)),
  );
  registry.registerMetric(
    new Gauge({
      name: 'nodejs_eventloop_lag_max_seconds',
      help: 'The same, the longest',
      registers: [],
      // Resets the histogram, because this gauge is collected after the other two.
      collect() {
        this.set(delay.count === 0 ? 0 : seconds(delay.max));
        delay.reset();
      },
    }),
  );
  return () => void delay.disable();
}

function addCollections(registry: Registry): () => void {
  const pauses = new Histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Pauses for the collection of garbage',
    labelNames: ['kind'],
    buckets: shortSecondsBuckets,
    registers: [registry],
  });
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { duration, detail } = entry as { duration: number; detail?: { kind?: number } };
      const kind = detail?.kind ?? 0;
      pauses.observe({ kind: collectionKinds[kind] ?? 'other' }, duration / 1000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}
