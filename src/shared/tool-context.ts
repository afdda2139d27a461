import type { Locale } from '#machines/texts';
import { logFieldsOf, parseTraceParent } from './wire/trace.ts';

/** User, language, time, cancellation and idempotency key of a call. */
export interface ToolContext {
  userId: string;
  /** Where the message came from: answers to it go there, and so do its reminders. Absent if no job makes the call. */
  origin?: { channel: string; thread: string | null };
  /** The language of the user's message and of the summaries. */
  locale: Locale;
  /** ISO 8601 with offset: the job's own time, so that "today" survives a restart over midnight. */
  now: string;
  /** IANA name: the zone of dates in questions and answers. */
  timeZone: string;
  /** Aborted when the answer is no longer needed. */
  signal: AbortSignal;
  /** The effect's idempotency key, the same after every restart. */
  key: string;
  /** The process has ended since the call was begun: it may have had its effect. Default: false. */
  isRepeat?: boolean;
  /** For logs and traces; absent if no job makes the call. */
  jobId?: string;
  traceparent?: string | undefined;
}

/** Fields of every log line of a tool call: job id, trace id and effect key. */
export function toolLogFields({ jobId, key, traceparent }: ToolContext): Record<string, string> {
  if (jobId !== undefined) return { ...logFieldsOf(jobId, traceparent), key };
  const traceId = parseTraceParent(traceparent)?.traceId;
  return traceId === undefined ? { key } : { trace_id: traceId, key };
}
