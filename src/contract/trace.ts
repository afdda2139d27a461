/**
 * W3C trace context: which trace a job belongs to, and how that travels in headers.
 *
 * 1. A job is one trace. Where its message came with a `traceparent`, it is the caller's; else its id is derived
 *    from the job's, so that it is the same before and after a crash, in every process, with nothing stored.
 * 2. The span of the job as a whole is derived too: what is told of a job can name it at any time.
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

/** Whether and where spans are sent. */
export interface TracingSettings {
  exporter: 'otlp' | 'console';
  /** Where the spans go; unused with `console`. */
  url: string;
  headers: Record<string, string>;
  timeoutMs: number;
  compression: 'gzip' | 'none';
  serviceName: string;
  resource: Record<string, string>;
  /** Whether the caller's own decision counts, where a message came with one. */
  followsParent: boolean;
  /** Share of the traces that begin here, 0 to 1. */
  ratio: number;
  batch: {
    delayMs: number;
    exportTimeoutMs: number;
    queueMax: number;
    batchMax: number;
  };
}

/** Where a job, or a document, stands in its trace. */
export interface Trace {
  traceId: string;
  /** Span of the job from its acceptance to its end. */
  rootSpanId: string;
  /** The span of the caller; null where none was named. */
  parent: TraceParent | null;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** What a header says; null for one that is missing or not valid, which the standard wants ignored. */
export function readTraceParent(header: unknown): TraceParent | null {
  const [, version, traceId = '', spanId = '', flags = '', rest] =
    typeof header === 'string' ? (form.exec(header.trim()) ?? []) : [];
  // Version 00 ends after the flags; later ones may go on. ff is none.
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) {
    return null;
  }
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The value of the header. */
export const traceParentOf = ({ traceId, spanId, isSampled }: TraceParent): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;

/** @param given the `traceparent` that came with the message, if any. Pure. */
export function traceOf(id: string, given?: string | null): Trace {
  const parent = readTraceParent(given);
  return {
    traceId: parent?.traceId ?? hex(`job ${id}`, 32),
    rootSpanId: hex(`span ${id}`, 16),
    parent,
  };
}

/** The header of what is told of a job or a document to whoever goes on with it. Pure. */
export function traceParentFor(id: string, given?: string | null): string {
  const { traceId, rootSpanId, parent } = traceOf(id, given);
  return traceParentOf({ traceId, spanId: rootSpanId, isSampled: parent?.isSampled ?? true });
}

/** For log lines: which job, and which trace. Pure. */
export const logFieldsOf = (
  jobId: string,
  given?: string | null,
): { job: string; trace_id: string } => ({ job: jobId, trace_id: traceOf(jobId, given).traceId });

const hex = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);
