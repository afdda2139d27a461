/**
 * The only door to OpenTelemetry. Takes spans that are over, with their ids and times, and sends them on in
 * batches. Nothing of the packages is loaded before somebody opens a recorder.
 *
 * 1. Nothing is registered globally: two cores in one process do not know each other.
 * 2. A collector that is away costs spans, never a job: the queue is bounded and nobody waits for it.
 * 3. The ids are ours: the span of a job can be named by its children, and by events on the bus, before it is
 *    over, and by another process after a crash.
 */
import { randomBytes } from 'node:crypto';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { TraceParent, TracingSettings } from '../contract/trace.ts';
import { messageOf } from '../lib/errors.ts';

export interface FinishedSpan {
  /** Of few values: what differs stands in the attributes. */
  name: string;
  kind: 'internal' | 'server' | 'client';
  traceId: string;
  spanId: string;
  /** Null: the first of its trace. */
  parent: { spanId: string; isRemote: boolean } | null;
  /** Epoch ms; fractions count. */
  startMs: number;
  endMs: number;
  /** Never texts of people, models or tools. Undefined ones are left out. */
  attributes: Record<string, string | number | boolean | string[] | undefined>;
  /** What went wrong: a code, or an `error_reason`. */
  error?: string | undefined;
}

export interface SpanRecorder {
  /** Whether the trace is recorded: the caller's word where it counts, else by its id, the same every time. */
  isSampled(traceId: string, parent: TraceParent | null): boolean;
  /** Only of sampled traces. Returns at once. */
  record(span: FinishedSpan): void;
  /** Sends what is left, within a bound, and ends. */
  stop(): Promise<void>;
}

const scopeName = 'gatehouse';

/** A collector that is away must not hold up a stop; what it has not taken by then is lost. */
const stopMs = 2_000;

/** A proxy's error page is no log line. */
const whyCharsMax = 200;

export const newSpanId = (): string => randomBytes(8).toString('hex');
export const newTraceId = (): string => randomBytes(16).toString('hex');

/** @param onTrouble told why spans cannot be sent, and null when they can again; not with every batch */
export async function openSpanRecorder(
  settings: TracingSettings,
  onTrouble: (why: string | null) => void,
): Promise<SpanRecorder> {
  const api = await import('@opentelemetry/api');
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags } = api;
  const kinds = {
    internal: SpanKind.INTERNAL,
    server: SpanKind.SERVER,
    client: SpanKind.CLIENT,
  };
  const ids = { traceId: '', spanId: '' };
  const provider = await openProvider(settings, ids, onTrouble);
  const tracer = provider.getTracer(scopeName);
  const isChosen = await createChoice(settings.ratio);

  return {
    isSampled: (traceId, parent) =>
      parent !== null && settings.followsParent ? parent.isSampled : isChosen(traceId),

    record({ name, kind, traceId, spanId, parent, startMs, endMs, attributes, error }) {
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

    async stop() {
      const bound = AbortSignal.timeout(stopMs);
      const late = new Promise<void>((resolve) => {
        bound.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
    },
  };
}

/** `ids`: what the next span is called. */
async function openProvider(
  settings: TracingSettings,
  ids: Readonly<Record<'traceId' | 'spanId', string>>,
  onTrouble: (why: string | null) => void,
) {
  const [sdk, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
  ]);
  const { resource, serviceName, batch } = settings;
  return new sdk.TracerProvider({
    resource: resourceFromAttributes({ ...resource, 'service.name': serviceName }),
    // Whether a trace is recorded is decided before a span is made.
    sampler: new sdk.AlwaysOnSampler(),
    idGenerator: { generateTraceId: () => ids.traceId, generateSpanId: () => ids.spanId },
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: watched(await exporterOf(settings), onTrouble),
        scheduledDelayMillis: batch.delayMs,
        exportTimeoutMillis: batch.exportTimeoutMs,
        maxQueueSize: batch.queueMax,
        maxExportBatchSize: batch.batchMax,
      }),
    ],
  });
}

/** The standard's own choice by the id of the trace: all programs that sample by this ratio agree. */
async function createChoice(ratio: number): Promise<(traceId: string) => boolean> {
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
    // The type is an enumeration of a package that is none of ours; its values are these words.
    compression: compression as never,
  });
}

function watched(exporter: SpanExporter, onTrouble: (why: string | null) => void): SpanExporter {
  let isInTrouble = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const isFailed = result.error !== undefined;
        if (isFailed && !isInTrouble) onTrouble(messageOf(result.error).slice(0, whyCharsMax));
        if (!isFailed && isInTrouble) onTrouble(null);
        isInTrouble = isFailed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}
