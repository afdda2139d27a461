/**
 * Everybody who watches a core, put together: figures, traces and the log, behind the ports of those who are
 * watched. Without traces their packages are not loaded and no ids are made.
 */
import type { TracingSettings } from '../contract/trace.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { JournalObserver } from '../journal/journal-observer.ts';
import type { LiveHub } from '../journal/live-hub.ts';
import { createCountStore } from '../store/count-store.ts';
import type { Database } from '../store/database.ts';
import type { Upkeep } from '../store/upkeep.ts';
import { openSpanRecorder } from '../telemetry/span-recorder.ts';
import type { ToolCallEnd } from '../tools/tool-caller.ts';
import type { PoolObserver } from './backend-pool.ts';
import { createJobLog } from './job-log.ts';
import { createMetrics, type Metrics, type MetricsSources } from './metrics.ts';
import { createTracing, type TracingObserver } from './tracing.ts';

export interface Observers {
  metrics: Metrics;
  journal: JournalObserver;
  pool: PoolObserver;
  onCall(end: ToolCallEnd): void;
  /** Measures no more, and sends what is left of the traces. */
  stop(): Promise<void>;
}

/** What is watched and not there yet is asked for when somebody wants to know. */
export async function openObservers(parts: {
  database: Database;
  upkeep: Upkeep;
  hub: LiveHub;
  sources: Pick<MetricsSources, 'journal' | 'pool' | 'bus'>;
  /** Left out: no traces. */
  tracing?: TracingSettings | null;
  clock: Clock;
  log: Log;
}): Promise<Observers> {
  const { clock, log, hub, upkeep, tracing: settings = null } = parts;
  const counts = createCountStore(parts.database);
  const metrics = createMetrics({ ...parts.sources, counts, sizes: upkeep.sizes });
  hub.subscribe(null, {
    event: metrics.jobs.event,
    token: ({ job_id: jobId }) => metrics.jobs.token(jobId),
  });
  const recorder = settings === null ? null : await openRecorder(settings, log);
  const tracing = recorder === null ? null : createTracing(recorder, clock);
  return {
    metrics,
    journal: journalObserver(metrics, tracing, createJobLog(log)),
    pool: {
      observeGate: metrics.observeGate,
      observeOutcome: metrics.observeOutcome,
      ...(tracing === null ? {} : { requestStarted: tracing.requestStarted }),
    },
    onCall(end) {
      metrics.jobs.toolCalled(end);
      tracing?.onCall(end);
    },
    async stop() {
      metrics.stop();
      await recorder?.stop();
    },
  };
}

function openRecorder(settings: TracingSettings, log: Log) {
  const { exporter, url } = settings;
  const where = exporter === 'console' ? exporter : new URL(url).origin;
  log.info({ where }, 'traces are sent');
  return openSpanRecorder(settings, (why) => {
    if (why === null) log.info({ where }, 'traces are sent again');
    else log.warn({ where, why }, 'traces cannot be sent');
  });
}

function journalObserver(
  metrics: Metrics,
  tracing: TracingObserver | null,
  jobLog: Pick<JournalObserver, 'accepted' | 'ended'>,
): JournalObserver {
  return {
    accepted(job) {
      metrics.jobs.accepted();
      jobLog.accepted?.(job);
    },
    effectStarted(job, effect) {
      const beganAt = performance.now();
      const watch = tracing?.effectStarted(job, effect);
      return {
        traceparent: watch?.traceparent ?? job.input.traceparent,
        ended(result) {
          metrics.jobs.effectEnded(effect.src, result, performance.now() - beganAt);
          watch?.ended(result);
        },
      };
    },
    ended(job, end) {
      metrics.jobs.ended(job, end);
      tracing?.ended(job, end);
      jobLog.ended?.(job, end);
    },
    committed: metrics.observeCommit,
    commitFailed: metrics.observeFailedCommit,
  };
}
