/** What every log line of a call carries: whose job, which trace, which effect. */
import { logFieldsOf, readTraceParent } from '../contract/trace.ts';
import type { ToolContext } from './tool.ts';

export function callFields({ jobId, key, traceparent }: ToolContext): Record<string, string> {
  if (jobId !== undefined) return { ...logFieldsOf(jobId, traceparent), key };
  const traceId = readTraceParent(traceparent)?.traceId;
  return traceId === undefined ? { key } : { trace_id: traceId, key };
}
