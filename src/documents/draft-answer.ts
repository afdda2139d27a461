/**
 * What a model's outcome means for a draft. Three kinds of ends must be told apart: a draft; a failure that the
 * memo may have caused, which counts; and a server that is not there, which says nothing about the memo. Pure.
 */
import type { ErrorReason, ModelFailure, ModelOutcome } from '../contract/model.ts';
import type { ErrorCode } from '../lib/errors.ts';

export interface DraftFailure {
  code: ErrorCode;
  message: string;
  errorReason: string | null;
}

export type DraftReading =
  | { kind: 'text'; markdown: string }
  | ({ kind: 'failed' } & DraftFailure)
  /** Not an attempt: another memo would have met the same. */
  | ({ kind: 'away' } & DraftFailure)
  /** We broke it off ourselves. */
  | { kind: 'broken-off' };

/**
 * The server did not look at the request. What it may have died of (`connection_lost`, a time limit, a 5xx) is
 * not here: a memo that kills its server must run out of attempts.
 */
const awayReasons: ReadonlySet<ErrorReason> = new Set([
  'connect_refused',
  'connect_timeout',
  'dns',
  'loading',
  'breaker_open',
  'queue_full',
  'deadline',
]);

/** Wrong key, no such model, too many requests: a matter of the settings, not of the memo. */
const awayStatuses: ReadonlySet<number> = new Set([401, 403, 404, 407, 429]);

export function readDraft(outcome: ModelOutcome): DraftReading {
  if (!outcome.ok) return failureOf(outcome);
  if (outcome.finishReason === 'length') {
    return failed('GH_DRAFT_TRUNCATED', 'the answer was cut at its limit', 'truncated');
  }
  if (outcome.finishReason === 'content_filter') {
    return failed('GH_DRAFT_EMPTY', 'the server filtered the answer', 'content_filter');
  }
  const markdown = withoutFence(outcome.text);
  if (markdown === '') return failed('GH_DRAFT_EMPTY', 'the answer is empty', 'empty_answer');
  return { kind: 'text', markdown };
}

function failureOf({ errorReason, message, status, backend }: ModelFailure): DraftReading {
  if (errorReason === 'cancelled') return { kind: 'broken-off' };
  const text = `${backend}: ${message}`;
  if (errorReason === 'empty_answer' || errorReason === 'unclosed_thinking') {
    return failed('GH_DRAFT_EMPTY', text, errorReason);
  }
  // Pushed out more often than the gate allows: others wanted the server.
  const isAway =
    errorReason === 'preempted' ||
    awayReasons.has(errorReason) ||
    (status !== null && awayStatuses.has(status));
  const failure = { code: 'GH_BACKEND_UNAVAILABLE', message: text, errorReason } as const;
  return { kind: isAway ? 'away' : 'failed', ...failure };
}

const failed = (code: ErrorCode, message: string, errorReason: string): DraftReading => ({
  kind: 'failed',
  code,
  message,
  errorReason,
});

/**
 * Small models put a fence around the whole answer, whatever they are told. Fences within it stay, and so does
 * a document that only begins and ends with code.
 */
export function withoutFence(text: string): string {
  const trimmed = text.trim();
  const [, fence = '', info = '', body] =
    /^(`{3,}|~{3,})(markdown|md)?[ \t]*\n([^]*)$/i.exec(trimmed) ?? [];
  if (body === undefined) return trimmed;
  const lines = body.split('\n');
  if (lines.pop()?.trim() !== fence) return trimmed;
  const marks = lines.filter((line) => line.startsWith(fence)).map((line) => line.trim());
  let isOpen = false;
  for (const mark of marks) {
    // A bare fence where none is open ends the first one, unless that said that it wraps markdown.
    if (!isOpen && mark === fence && info === '') return trimmed;
    isOpen = !isOpen;
  }
  return isOpen ? trimmed : lines.join('\n').trim();
}
