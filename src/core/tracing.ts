/**
 * What of a core becomes spans: a job, its effects, their calls of models and tools. Hangs on the ports that
 * watch; nothing that is watched knows of it.
 *
 *     job                                  acceptance to end; child of the caller's span, where there is one
 *     ├─ classify, reason, runTools …      one effect
 *     │  ├─ gate                           the wait for a permit, where there was one
 *     │  ├─ chat <model>                   one request to a model server, which gets its `traceparent`
 *     │  └─ execute_tool <tool.operation>
 *
 * 1. No text of a person, a model or a tool, no user id, no secret is in a span.
 * 2. A span is made when what it shows is over; until then there are only ids. So a job that waits for a person
 *    costs nothing, and one that went on after a crash is one trace with one span of the job.
 * 3. What is not sampled costs its ids.
 */
import type { BackendConfig } from '../backends/backend-config.ts';
import type { ModelOutcome, ModelRequest, RunOptions } from '../contract/model.ts';
import { readTraceParent, traceOf, traceParentOf, type TraceParent } from '../contract/trace.ts';
import type { EffectResult } from '../journal/effects.ts';
import type {
  EffectWatch,
  JobEnd,
  JournalObserver,
  WatchedJob,
} from '../journal/journal-observer.ts';
import type { Clock } from '../lib/clock.ts';
import {
  newSpanId,
  newTraceId,
  type FinishedSpan,
  type SpanRecorder,
} from '../telemetry/span-recorder.ts';
import type { ToolCallEnd } from '../tools/tool-caller.ts';
import type { PoolObserver, RequestWatch } from './backend-pool.ts';

export type TracingObserver = Required<Pick<JournalObserver, 'effectStarted' | 'ended'>> &
  Required<Pick<PoolObserver, 'requestStarted'>> & {
    onCall(end: ToolCallEnd): void;
  };

export function createTracing(recorder: SpanRecorder, clock: Clock): TracingObserver {
  return {
    effectStarted: (job, effect) => watchEffect(recorder, clock, job, effect),
    ended: (job, end) => recordJob(recorder, job, end),
    requestStarted: (config, request, options) =>
      watchRequest(recorder, clock, config, request, options),
    onCall: (end) => recordToolCall(recorder, clock, end),
  };
}

/** The trace of a job, and whether it is recorded. */
function traceOfJob(recorder: SpanRecorder, { id, input }: WatchedJob) {
  const trace = traceOf(id, input.traceparent);
  return { ...trace, isSampled: recorder.isSampled(trace.traceId, trace.parent) };
}

function recordJob(recorder: SpanRecorder, job: WatchedJob, end: JobEnd): void {
  const { traceId, rootSpanId, parent, isSampled } = traceOfJob(recorder, job);
  if (!isSampled) return;
  const outcome = end.outcome ?? 'cancelled';
  recorder.record({
    name: 'job',
    kind: 'server',
    traceId,
    spanId: rootSpanId,
    parent: parent === null ? null : { spanId: parent.spanId, isRemote: true },
    startMs: job.createdAt,
    endMs: end.at,
    attributes: {
      'gatehouse.job.id': job.id,
      'gatehouse.job.channel': job.input.channel,
      'gatehouse.job.outcome': outcome,
      'gatehouse.job.decided_by': end.decision?.by,
      'gatehouse.job.action': end.decision?.action,
      'gatehouse.job.reply_length': end.replyLength,
      'gatehouse.job.models': [...end.models],
    },
    error: outcome === 'failed' ? 'failed' : undefined,
  });
}

function watchEffect(
  recorder: SpanRecorder,
  clock: Clock,
  job: WatchedJob,
  effect: { id: string; src: string; key: string },
): EffectWatch {
  const { traceId, rootSpanId, isSampled } = traceOfJob(recorder, job);
  const spanId = newSpanId();
  const startMs = clock.now();
  return {
    traceparent: traceParentOf({ traceId, spanId, isSampled }),
    ended(result) {
      if (!isSampled) return;
      recorder.record({
        name: effect.src,
        kind: 'internal',
        traceId,
        spanId,
        parent: { spanId: rootSpanId, isRemote: false },
        startMs,
        endMs: clock.now(),
        attributes: {
          'gatehouse.job.id': job.id,
          'gatehouse.effect.id': effect.id,
          'gatehouse.effect.key': effect.key,
          'gatehouse.effect.aborted': result === 'aborted' ? true : undefined,
        },
        error: errorOf(result),
      });
    },
  };
}

/** An effect that was left behind has not failed. */
const errorOf = (result: EffectResult | 'aborted'): string | undefined =>
  result === 'aborted' || result.ok
    ? undefined
    : (result.failure.errorReason ?? result.failure.code);

/** Where a request belongs; one that comes with no trace (a draft, a question to the documents) begins its own. */
function placeOf(recorder: SpanRecorder, header: string | undefined): Place {
  const parent = readTraceParent(header);
  const traceId = parent?.traceId ?? newTraceId();
  return { parent, traceId, isSampled: parent?.isSampled ?? recorder.isSampled(traceId, null) };
}

interface Place {
  parent: TraceParent | null;
  traceId: string;
  isSampled: boolean;
}

function watchRequest(
  recorder: SpanRecorder,
  clock: Clock,
  config: BackendConfig,
  request: ModelRequest,
  options: RunOptions,
): RequestWatch {
  const place = placeOf(recorder, options.traceparent);
  const { traceId, isSampled } = place;
  const spanId = newSpanId();
  const askedMs = clock.now();
  return {
    traceparent: traceParentOf({ traceId, spanId, isSampled }),
    ended(outcome) {
      if (!isSampled) return;
      const endMs = clock.now();
      const parent =
        place.parent === null ? null : { spanId: place.parent.spanId, isRemote: false };
      const { queueMs, totalMs } = outcome.timings;
      // Refused at the gate, it was never sent.
      const sentMs = Math.max(askedMs + queueMs, endMs - totalMs);
      if (queueMs > 0 && parent !== null) {
        recorder.record({
          name: 'gate',
          kind: 'internal',
          traceId,
          spanId: newSpanId(),
          parent,
          startMs: askedMs,
          endMs: sentMs,
          attributes: { 'gatehouse.backend.id': config.id },
        });
      }
      const attributes = chatAttributes(config, request, options, outcome);
      recorder.record({
        name: `chat ${config.model}`,
        kind: 'client',
        traceId,
        spanId,
        parent,
        startMs: sentMs,
        endMs,
        attributes,
        error: outcome.ok ? undefined : outcome.errorReason,
      });
    },
  };
}

/** @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ */
function chatAttributes(
  config: BackendConfig,
  request: ModelRequest,
  { kind, priority, jobId }: RunOptions,
  outcome: ModelOutcome,
): FinishedSpan['attributes'] {
  const { hostname, port, protocol } = new URL(config.baseUrl);
  const usage = outcome.ok ? outcome.usage : null;
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': config.kind,
    'gen_ai.request.model': config.model,
    'gen_ai.request.max_tokens': Number.isFinite(request.maxTokens) ? request.maxTokens : undefined,
    'gen_ai.request.temperature': request.temperature,
    'gen_ai.response.finish_reasons': outcome.ok ? [outcome.finishReason] : undefined,
    'gen_ai.usage.input_tokens': usage?.promptTokens,
    'gen_ai.usage.output_tokens': usage?.completionTokens,
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
    'http.response.status_code': outcome.ok ? undefined : (outcome.status ?? undefined),
    'gatehouse.job.id': jobId,
    'gatehouse.backend.id': config.id,
    'gatehouse.request.kind': kind,
    'gatehouse.request.priority': priority,
    'gatehouse.gate.wait_ms': outcome.timings.queueMs,
    'gatehouse.first_token_ms': outcome.timings.firstTokenMs ?? undefined,
  };
}

function recordToolCall(recorder: SpanRecorder, clock: Clock, end: ToolCallEnd): void {
  const { tool, operation, result, ms, context } = end;
  const { parent, traceId, isSampled } = placeOf(recorder, context.traceparent);
  if (!isSampled || parent === null) return;
  const endMs = clock.now();
  recorder.record({
    name: `execute_tool ${tool}.${operation}`,
    kind: 'internal',
    traceId,
    spanId: newSpanId(),
    parent: { spanId: parent.spanId, isRemote: false },
    startMs: endMs - ms,
    endMs,
    attributes: {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': `${tool}.${operation}`,
      'gatehouse.job.id': context.jobId,
    },
    error: result === 'ok' ? undefined : result,
  });
}
