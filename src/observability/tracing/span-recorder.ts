/**
 * The only module that uses OpenTelemetry. Takes finished spans with their ids and times, and exports them in
 * batches. The packages are loaded when a recorder is opened, not before.
 *
 * 1. Nothing is registered globally: two cores in one process do not affect each other.
 * 2. An unreachable collector costs spans, never a job: the queue is bounded and no caller waits for it.
 * 3. The caller chooses the ids: child spans and events on NATS can reference the span of a job before it ends, and
 *    another process can reference it after a crash.
 */
import { randomBytes } from 'node:crypto';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { TraceParent, TracingSettings } from '#shared/wire/trace';
import { messageOf } from '#shared/errors';

export interface FinishedSpan {
  /** Low cardinality: variable values go into the attributes. */
  name: string;
  kind: 'internal' | 'server' | 'client';
  traceId: string;
  spanId: string;
  /** Null: the root span of its trace. */
  parent: { spanId: string; isRemote: boolean } | null;
  /** Epoch ms, with fractions. */
  startMs: number;
  endMs: number;
  /** Never texts of users, models or tools. Undefined values are omitted. */
  attributes: Record<string, string | number | boolean | string[] | undefined>;
  /** An error code, or an `error_reason`. */
  error?: string | undefined;
}

const scopeName = 'gatehouse';

/** An unreachable collector must not delay the shutdown; spans that are not exported by then are lost. */
const shutdownTimeoutMs = 2_000;

/** Length of a failure reason: the error page of a proxy does not fit into a log line. */
const whyCharsMax = 200;

export const newSpanId = (): string => randomBytes(8).toString('hex');
export const newTraceId = (): string => randomBytes(16).toString('hex');

/** @param onExportState called on a change only: with the reason when exports begin to fail, with null on recovery */
export async function openSpanRecorder(
  settings: TracingSettings,
  onExportState: (why: string | null) => void,
) {
  const api = await import('@opentelemetry/api');
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags } = api;
  const kinds = {
    internal: SpanKind.INTERNAL,
    server: SpanKind.SERVER,
    client: SpanKind.CLIENT,
  };
  const ids = { traceId: '', spanId: '' };
  const provider = await openProvider(settings, ids, onExportState);
  const tracer = provider.getTracer(scopeName);
  const isSampledByRatio = await createSampler(settings.ratio);

  return {
    /** Whether to record the trace: as the parent if `isParentBased` and it exists, else a fixed choice by trace id. */
    isSampled: (traceId: string, parent: TraceParent | null): boolean =>
      parent !== null && settings.isParentBased ? parent.isSampled : isSampledByRatio(traceId),

    /** Only for sampled traces. Queues the span and returns at once. */
    record({
      name,
      kind,
      traceId,
      spanId,
      parent,
      startMs,
      endMs,
      attributes,
      error,
    }: FinishedSpan): void {
      Object.assign(ids, { traceId, spanId });
      const context =
        parent === null
          ? ROOT_CONTEXT
          : api.trace.setSpanContext(ROOT_CONTEXT, {
              ...parent,
              traceId,
              traceFlags: TraceFlags.SAMPLED,
            });
      const options = { kind: kinds[kind], startTime: startMs, attributes };
      const span = tracer.startSpan(name, options, context);
      if (error !== undefined) {
        span.setAttribute('error.type', error);
        span.setStatus({ code: SpanStatusCode.ERROR, message: error });
      }
      span.end(Math.max(startMs, endMs));
    },

    /** Exports the remaining spans within `shutdownTimeoutMs` and shuts down. */
    async stop(): Promise<void> {
      const bound = AbortSignal.timeout(shutdownTimeoutMs);
      const late = new Promise<void>((resolve) => {
        bound.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
    },
  };
}
export type SpanRecorder = Awaited<ReturnType<typeof openSpanRecorder>>;

/** `ids`: trace id and span id of the next span. */
async function openProvider(
  settings: TracingSettings,
  ids: Readonly<Record<'traceId' | 'spanId', string>>,
  onExportState: (why: string | null) => void,
) {
  const [sdk, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
  ]);
  const { resource, serviceName, batch } = settings;
  return new sdk.TracerProvider({
    resource: resourceFromAttributes({ ...resource, 'service.name': serviceName }),
    // `isSampled` decides before a span is created.
    sampler: new sdk.AlwaysOnSampler(),
    idGenerator: { generateTraceId: () => ids.traceId, generateSpanId: () => ids.spanId },
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: withFailureReports(await exporterOf(settings), onExportState),
        scheduledDelayMillis: batch.delayMs,
        exportTimeoutMillis: batch.exportTimeoutMs,
        maxQueueSize: batch.queueMax,
        maxExportBatchSize: batch.batchMax,
      }),
    ],
  });
}

/** The standard sampling by trace id: all programs with the same ratio make the same choice. */
async function createSampler(ratio: number): Promise<(traceId: string) => boolean> {
  const [{ ROOT_CONTEXT }, sdk] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
  ]);
  const sampler = new sdk.TraceIdRatioBasedSampler(ratio);
  const { RECORD_AND_SAMPLED } = sdk.SamplingDecision;
  return (traceId) => sampler.shouldSample(ROOT_CONTEXT, traceId).decision === RECORD_AND_SAMPLED;
}

async function exporterOf(settings: TracingSettings): Promise<SpanExporter> {
  if (settings.exporter === 'console') {
    const { ConsoleSpanExporter } = await import('@opentelemetry/sdk-trace');
    return new ConsoleSpanExporter();
  }
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { url, headers, timeoutMs, compression } = settings;
  return new OTLPTraceExporter({
    url,
    headers,
    timeoutMillis: timeoutMs,
    // The type is an enum of a package that we do not depend on; its values are these strings.
    compression: compression as never,
  });
}

function withFailureReports(
  exporter: SpanExporter,
  onExportState: (why: string | null) => void,
): SpanExporter {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const isFailed = result.error !== undefined;
        if (isFailed && !isFailing) onExportState(messageOf(result.error).slice(0, whyCharsMax));
        if (!isFailed && isFailing) onExportState(null);
        isFailing = isFailed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}
