/** Fields of every log line of a tool call: job id, trace id and effect key. */
import { logFieldsOf, parseTraceParent } from '#shared/wire/trace';
import type { ToolContext } from '#shared/tool-context';

export function toolLogFields({ jobId, key, traceparent }: ToolContext): Record<string, string> {
  if (jobId !== undefined) return { ...logFieldsOf(jobId, traceparent), key };
  const traceId = parseTraceParent(traceparent)?.traceId;
  return traceId === undefined ? { key } : { trace_id: traceId, key };
}
