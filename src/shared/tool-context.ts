import type { Locale } from '#machines/texts';

/** User, language, time, cancellation and idempotency key of a call. */
export interface ToolContext {
  userId: string;
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
  /** For logs and traces; absent if no job makes the call. */
  jobId?: string;
  traceparent?: string | undefined;
}
