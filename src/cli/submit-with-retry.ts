/** Submits a message to the core, with retries while the core is busy or briefly unreachable. */
import { abortableSleep } from '#shared/abortable-sleep';
import type { SubmitReceipt } from '#shared/wire/job-service';
import { RefusedError, UnreachableError, type CoreClient } from '#http/client/core-client';

/** How long a restart or a full queue may last before the user should decide. */
const retryTimeoutMs = 60_000;
const retryDelayMs = 500;

export interface RetryOptions {
  signal: AbortSignal;
  /** Called before a retry with the reason, once per reason. */
  onRetry(why: string): void;
}

/** Whether the same message may be accepted later: the retry must use the same idempotency key. */
export const isRetryable = (error: unknown): boolean =>
  error instanceof UnreachableError ||
  (error instanceof RefusedError && (error.status === 429 || error.status === 503));

/**
 * The body has an idempotency key, so a message whose response was lost is not accepted twice.
 * @throws CommandError the refusal, or the last error after a minute or after the signal
 */
export async function submitWithRetry(
  client: Pick<CoreClient, 'submitMessage'>,
  body: { idempotency_key: string } & Record<string, unknown>,
  { signal, onRetry: onTrouble }: RetryOptions,
): Promise<SubmitReceipt> {
  const until = Date.now() + retryTimeoutMs;
  let reported = '';
  for (;;) {
    try {
      return await client.submitMessage(body);
    } catch (error) {
      const waitMs = Math.max(retryDelayMs, error instanceof RefusedError ? error.retryAfterMs : 0);
      if (!isRetryable(error) || signal.aborted || Date.now() + waitMs > until) throw error;
      const why = (error as Error).message;
      if (why !== reported) onTrouble(why);
      reported = why;
      await abortableSleep(waitMs, signal);
      if (signal.aborted) throw error;
    }
  }
}
