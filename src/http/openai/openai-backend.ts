/** A completion by one backend, through its gate. */
import { modelFailureToError } from '#shared/model/model-failure-to-error';
import type { Backend, ModelAnswer } from '#shared/model/model';
import type { GatehouseError } from '#shared/errors';
import { queueNote, type CompletionResponse } from './openai-response.ts';
import type { CompletionCall } from './openai-request.ts';
import type { CompletionEnd } from './openai-shapes.ts';

export type CompletionResult =
  | { ok: true; end: CompletionEnd }
  | { ok: false; error: GatehouseError };

/** Runs the call on this backend only. An aborted client frees its place in the gate at once. */
export async function completeByBackend(
  backend: Backend,
  call: CompletionCall,
  response: CompletionResponse,
  clientAbort: AbortSignal,
): Promise<CompletionResult> {
  const isBackground = call.priority === 'background';
  const outcome = await backend.run(call.request, {
    kind: 'direct',
    priority: call.priority,
    preemptible: isBackground,
    user: call.user,
    traceparent: call.traceparent,
    signal: clientAbort,
    onQueued: (position) => response.note(queueNote(position)),
    // A background request may be preempted and start again. It is sent when complete: a chunk cannot be taken back.
    ...(isBackground
      ? {}
      : { onText: (text: string, replaces: boolean) => response.text(text, replaces) }),
  });
  return outcome.ok
    ? { ok: true, end: toCompletionEnd(outcome) }
    : { ok: false, error: modelFailureToError(outcome) };
}

function toCompletionEnd({
  backend,
  text,
  toolCalls,
  finishReason,
  usage,
  timings,
}: ModelAnswer): CompletionEnd {
  const { queueMs, firstTokenMs, totalMs } = timings;
  const about = {
    backend,
    queue_ms: queueMs,
    first_token_ms: firstTokenMs,
    total_ms: totalMs,
  };
  return { text, toolCalls, finishReason, usage, about };
}
