/**
 * Maps a model's outcome to the result of a draft. Three kinds are distinguished: a draft; a failure that the memo may
 * have caused, which counts; and an unavailable server, which says nothing about the memo. Pure.
 */
import type { ErrorReason, ModelFailure, ModelOutcome } from '#shared/model/model';
import type { ErrorCode } from '#shared/errors';

export interface DraftFailure {
  code: ErrorCode;
  message: string;
  errorReason: string | null;
}

export type DraftOutcome =
  | { kind: 'text'; markdown: string }
  | ({ kind: 'failed' } & DraftFailure)
  /** Does not count as an attempt: another memo would have failed in the same way. */
  | ({ kind: 'away' } & DraftFailure)
  /** The call was aborted by Gatehouse itself. */
  | { kind: 'broken-off' };

/**
 * The server did not process the request. Failures that the memo may have caused (`connection_lost`, a time limit, a
 * 5xx) are not here: a memo that kills its server must run out of attempts.
 */
const unavailableReasons: ReadonlySet<ErrorReason> = new Set([
  'connect_refused',
  'connect_timeout',
  'dns',
  'loading',
  'breaker_open',
  'queue_full',
  'deadline',
]);

/** Wrong key, no such model, too many requests: caused by the configuration, not by the memo. */
const unavailableStatuses: ReadonlySet<number> = new Set([401, 403, 404, 407, 429]);

export function parseDraftOutcome(outcome: ModelOutcome): DraftOutcome {
  if (!outcome.ok) return mapFailure(outcome);
  if (outcome.finishReason === 'length') {
    return failed('GH_DRAFT_TRUNCATED', 'the answer was cut at its limit', 'truncated');
  }
  if (outcome.finishReason === 'content_filter') {
    return failed('GH_DRAFT_EMPTY', 'the server filtered the answer', 'content_filter');
  }
  const markdown = stripCodeFence(outcome.text);
  if (markdown === '') return failed('GH_DRAFT_EMPTY', 'the answer is empty', 'empty_answer');
  return { kind: 'text', markdown };
}

function mapFailure({ errorReason, message, status, backend }: ModelFailure): DraftOutcome {
  if (errorReason === 'cancelled') return { kind: 'broken-off' };
  const text = `${backend}: ${message}`;
  if (errorReason === 'empty_answer' || errorReason === 'unclosed_thinking') {
    return failed('GH_DRAFT_EMPTY', text, errorReason);
  }
  // Preempted more often than the gate allows: other requests needed the server.
  const isUnavailable =
    errorReason === 'preempted' ||
    unavailableReasons.has(errorReason) ||
    (status !== null && unavailableStatuses.has(status));
  const failure = { code: 'GH_BACKEND_UNAVAILABLE', message: text, errorReason } as const;
  return { kind: isUnavailable ? 'away' : 'failed', ...failure };
}

const failed = (code: ErrorCode, message: string, errorReason: string): DraftOutcome => ({
  kind: 'failed',
  code,
  message,
  errorReason,
});

/**
 * Small models put a code fence around the whole answer despite the prompt. Fences within it stay, and so does a
 * document that only begins and ends with code.
 */
export function stripCodeFence(text: string): string {
  const trimmed = text.trim();
  const [, fence = '', info = '', body] =
    /^(`{3,}|~{3,})(markdown|md)?[ \t]*\n([^]*)$/i.exec(trimmed) ?? [];
  if (body === undefined) return trimmed;
  const lines = body.split('\n');
  if (lines.pop()?.trim() !== fence) return trimmed;
  const marks = lines.filter((line) => line.startsWith(fence)).map((line) => line.trim());
  let isOpen = false;
  for (const mark of marks) {
    // A bare fence while none is open closes the first fence, unless that was marked as markdown.
    if (!isOpen && mark === fence && info === '') return trimmed;
    isOpen = !isOpen;
  }
  return isOpen ? trimmed : lines.join('\n').trim();
}
