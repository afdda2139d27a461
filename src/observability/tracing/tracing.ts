/**
 * Spans of a core: a job, its effects, and their calls of models and tools. Attached to the observer ports; the
 * observed modules do not depend on it.
 *
 *     job                                  acceptance to end; child of the caller's span, if there is one
 *     ├─ classify, reason, runTools …      one effect
 *     │  ├─ gate                           the wait for a permit, if there was one
 *     │  ├─ chat <model>                   one request to a model server, which gets its `traceparent`
 *     │  └─ execute_tool <tool.operation>
 *
 * 1. A span holds no text of a user, a model or a tool, no user id and no secret.
 * 2. A span is created when its operation has ended; until then only its ids exist. So a job that waits for a user
 *    costs nothing, and a job that continued after a crash is one trace with one job span.
 * 3. An unsampled trace costs only its ids.
 */
import type { BackendConfig } from '#models/backend-config';
import type { ModelOutcome, ModelRequest, RunOptions } from '#shared/model/model';
import {
  parseTraceParent,
  deriveTrace,
  formatTraceParent,
  type TraceParent,
} from '#shared/wire/trace';
import type { EffectResult } from '#jobs/runtime/effect-port';
import type {
  EffectSpan,
  JobEnd,
  JournalObserver,
  JobDescriptor,
} from '#jobs/runtime/journal-observer';
import type { Clock } from '#shared/clock';
import { newSpanId, newTraceId, type FinishedSpan, type SpanRecorder } from './span-recorder.ts';
import type { FinishedToolCall } from '#tools/tool-invoker';
import type { PoolObserver, RequestSpan } from '#models/backend-pool';

export type TracingObserver = Required<Pick<JournalObserver, 'effectStarted' | 'ended'>> &
  Required<Pick<PoolObserver, 'requestStarted'>> & {
    onCall(end: FinishedToolCall): void;
  };

export function createTracing(recorder: SpanRecorder, clock: Clock): TracingObserver {
  return {
    effectStarted: (job, effect) => traceEffect(recorder, clock, job, effect),
    ended: (job, end) => recordJob(recorder, job, end),
    requestStarted: (config, request, options) =>
      traceRequest(recorder, clock, config, request, options),
    onCall: (end) => recordToolCall(recorder, clock, end),
  };
}

/** The trace of a job, and whether it is sampled. */
function traceOfJob(recorder: SpanRecorder, { id, input }: JobDescriptor) {
  const trace = deriveTrace(id, input.traceparent);
  return { ...trace, isSampled: recorder.isSampled(trace.traceId, trace.parent) };
}

function recordJob(recorder: SpanRecorder, job: JobDescriptor, end: JobEnd): void {
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

function traceEffect(
  recorder: SpanRecorder,
  clock: Clock,
  job: JobDescriptor,
  effect: { id: string; src: string; key: string },
): EffectSpan {
  const { traceId, rootSpanId, isSampled } = traceOfJob(recorder, job);
  const spanId = newSpanId();
  const startMs = clock.now();
  return {
    traceparent: formatTraceParent({ traceId, spanId, isSampled }),
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

/** An aborted effect has not failed. */
const errorOf = (result: EffectResult | 'aborted'): string | undefined =>
  result === 'aborted' || result.ok
    ? undefined
    : (result.failure.errorReason ?? result.failure.code);

/** The parent trace of a request; a request without a trace (a draft, a question to the documents) starts its own. */
function traceContextOf(recorder: SpanRecorder, header: string | undefined): TraceContext {
  const parent = parseTraceParent(header);
  const traceId = parent?.traceId ?? newTraceId();
  return { parent, traceId, isSampled: parent?.isSampled ?? recorder.isSampled(traceId, null) };
}

interface TraceContext {
  parent: TraceParent | null;
  traceId: string;
  isSampled: boolean;
}

function traceRequest(
  recorder: SpanRecorder,
  clock: Clock,
  config: BackendConfig,
  request: ModelRequest,
  options: RunOptions,
): RequestSpan {
  const traceContext = traceContextOf(recorder, options.traceparent);
  const { traceId, isSampled } = traceContext;
  const spanId = newSpanId();
  const askedMs = clock.now();
  return {
    traceparent: formatTraceParent({ traceId, spanId, isSampled }),
    ended(outcome) {
      if (!isSampled) return;
      const endMs = clock.now();
      const parent =
        traceContext.parent === null
          ? null
          : { spanId: traceContext.parent.spanId, isRemote: false };
      const { queueMs, totalMs } = outcome.timings;
      // A request refused at the gate was never sent.
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

function recordToolCall(recorder: SpanRecorder, clock: Clock, end: FinishedToolCall): void {
  const { tool, operation, result, ms, context } = end;
  const { parent, traceId, isSampled } = traceContextOf(recorder, context.traceparent);
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
