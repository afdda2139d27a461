/**
 * Wires metrics, traces and the log to the observer ports of a core. Without tracing, the tracing packages are not
 * loaded and no ids are created.
 */
import { type TracingSettings, logFieldsOf } from '#shared/wire/trace';
import type { Clock } from '#shared/clock';
import type { Log } from '#shared/log';
import type { JournalObserver } from '#jobs/runtime/journal-observer';
import type { LiveHub } from '#jobs/runtime/live-hub';
import { openSpanRecorder } from './tracing/span-recorder.ts';
import type { FinishedToolCall } from '#tools/tool-invoker';
import { createMetrics, type Metrics, type MetricsSources } from './metrics/metrics.ts';
import { createTracing, type TracingObserver } from './tracing/tracing.ts';

/** `sources` are functions because the parts they observe do not exist yet; they are called at each scrape. */
export async function createObservability(parts: {
  counts: MetricsSources['counts'];
  sizes: MetricsSources['sizes'];
  hub: LiveHub;
  sources: Omit<MetricsSources, 'counts' | 'sizes'>;
  /** Null or omitted: no traces. */
  tracing?: TracingSettings | null;
  clock: Clock;
  log: Log;
}) {
  const { clock, log, hub, counts, sizes, tracing: settings = null } = parts;
  const metrics = createMetrics({ ...parts.sources, counts, sizes });
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
    onCall(end: FinishedToolCall): void {
      metrics.jobs.toolCalled(end);
      tracing?.onCall(end);
    },
    /** Stops the measurements and sends the remaining spans. */
    async stop(): Promise<void> {
      metrics.stop();
      await recorder?.stop();
    },
  };
}
export type Observability = Awaited<ReturnType<typeof createObservability>>;

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

const createJobLog = (log: Log): Pick<JournalObserver, 'accepted' | 'ended'> => ({
  accepted({ id, input }) {
    if (!log.isLevelEnabled('debug')) return;
    const { channel, message, traceparent } = input;
    log.debug(
      { ...logFieldsOf(id, traceparent), channel, message_length: message.length },
      'job accepted',
    );
  },
  ended({ id, input, createdAt }, { at, outcome, replyLength, decision, models }) {
    if (!log.isLevelEnabled('info')) return;
    log.info(
      {
        ...logFieldsOf(id, input.traceparent),
        channel: input.channel,
        outcome: outcome ?? 'cancelled',
        by: decision?.by,
        action: decision?.action,
        message_length: input.message.length,
        reply_length: replyLength,
        models,
        total_ms: at - createdAt,
      },
      'job ended',
    );
  },
});
