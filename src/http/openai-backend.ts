/** A completion straight from one backend, through its gate. */
import { modelError } from '../contract/model-error.ts';
import type { Backend, ModelAnswer } from '../contract/model.ts';
import type { GatehouseError } from '../lib/errors.ts';
import { queueNote, type Answer } from './openai-answer.ts';
import type { CompletionCall } from './openai-request.ts';
import type { AnswerEnd } from './openai-shapes.ts';

export type CompletionResult = { ok: true; end: AnswerEnd } | { ok: false; error: GatehouseError };

/** Runs the call on this backend and no other. `gone` frees its place at the gate at once. */
export async function completeByBackend(
  backend: Backend,
  call: CompletionCall,
  answer: Answer,
  gone: AbortSignal,
): Promise<CompletionResult> {
  const isBackground = call.priority === 'background';
  const outcome = await backend.run(call.request, {
    kind: 'direct',
    priority: call.priority,
    preemptible: isBackground,
    user: call.user,
    traceparent: call.traceparent,
    signal: gone,
    onQueued: (position) => answer.note(queueNote(position)),
    // One that may be pushed out and start afresh is sent when it is whole: a chunk cannot be taken back.
    ...(isBackground
      ? {}
      : { onText: (text: string, replaces: boolean) => answer.text(text, replaces) }),
  });
  return outcome.ok ? { ok: true, end: endOf(outcome) } : { ok: false, error: modelError(outcome) };
}

function endOf({ backend, text, toolCalls, finishReason, usage, timings }: ModelAnswer): AnswerEnd {
  const { queueMs, firstTokenMs, totalMs } = timings;
  const about = {
    backend,
    queue_ms: queueMs,
    first_token_ms: firstTokenMs,
    total_ms: totalMs,
  };
  return { text, toolCalls, finishReason, usage, about };
}
