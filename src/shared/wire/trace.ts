/**
 * W3C trace context: which trace a job belongs to, and how it is propagated in headers.
 *
 * 1. A job is one trace. If its message came with a `traceparent`, it is the caller's trace; else its id is derived
 *    from the job's id: the same before and after a crash and in every process, with nothing stored.
 * 2. The id of the job's root span is derived too, so that every later message about the job can refer to it.
 * @see https://www.w3.org/TR/trace-context/
 */
import { createHash } from 'node:crypto';

/** The header, over HTTP and NATS. */
export const traceHeader = 'traceparent';

export interface TraceParent {
  /** 32 lower case hex digits. */
  traceId: string;
  /** 16 lower case hex digits. */
  spanId: string;
  isSampled: boolean;
}

/** Whether and where spans are exported. */
export interface TracingSettings {
  exporter: 'otlp' | 'console';
  /** Export endpoint; unused with `console`. */
  url: string;
  headers: Record<string, string>;
  timeoutMs: number;
  compression: 'gzip' | 'none';
  serviceName: string;
  resource: Record<string, string>;
  /** Whether the caller's sampling decision is followed, if a message came with one. */
  isParentBased: boolean;
  /** Sampled share of the traces that begin here, 0 to 1. */
  ratio: number;
  batch: {
    delayMs: number;
    exportTimeoutMs: number;
    queueMax: number;
    batchMax: number;
  };
}

/** Trace of a job or a document. */
export interface Trace {
  traceId: string;
  /** Span of the job from its acceptance to its end. */
  rootSpanId: string;
  /** The caller's span; null if none was given. */
  parent: TraceParent | null;
}

const traceParentPattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Parses the header; null if it is missing or invalid, which the standard requires to ignore. */
export function parseTraceParent(header: unknown): TraceParent | null {
  const [, version, traceId = '', spanId = '', flags = '', rest] =
    typeof header === 'string' ? (traceParentPattern.exec(header.trim()) ?? []) : [];
  // Version 00 ends after the flags; later versions may have more fields. ff is not a version.
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) {
    return null;
  }
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The value of the header. */
export const formatTraceParent = ({ traceId, spanId, isSampled }: TraceParent): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;

/** @param given the `traceparent` that came with the message, if any. Pure. */
export function deriveTrace(id: string, given?: string | null): Trace {
  const parent = parseTraceParent(given);
  return {
    traceId: parent?.traceId ?? hexDigest(`job ${id}`, 32),
    rootSpanId: hexDigest(`span ${id}`, 16),
    parent,
  };
}

/** Header of messages about a job or a document: continues its trace in the receiver. Pure. */
export function deriveTraceParent(id: string, given?: string | null): string {
  const { traceId, rootSpanId, parent } = deriveTrace(id, given);
  return formatTraceParent({ traceId, spanId: rootSpanId, isSampled: parent?.isSampled ?? true });
}

/** Job and trace id for log lines. Pure. */
export const logFieldsOf = (
  jobId: string,
  given?: string | null,
): { job: string; trace_id: string } => ({
  job: jobId,
  trace_id: deriveTrace(jobId, given).traceId,
});

const hexDigest = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);
