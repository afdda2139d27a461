/**
 * W3C trace context for what messaging sends. Ids are derived, not drawn: the trace of a job is the same
 * before and after a crash, and a repeated event has the same span.
 * @see https://www.w3.org/TR/trace-context/
 */
import { createHash } from 'node:crypto';

export const traceHeader = 'traceparent';

/** One trace per job, one span per event or reply of it. Pure. */
export const traceParent = (jobId: string, messageId: string): string =>
  `00-${hex(`job ${jobId}`, 32)}-${hex(`message ${messageId}`, 16)}-01`;

const hex = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);
