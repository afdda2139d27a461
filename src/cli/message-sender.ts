/** Hands a message to the core, again and again where the core is busy or away for a moment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Accepted } from '../contract/door.ts';
import { RefusedError, UnreachableError, type CoreClient } from './core-client.ts';

/** As long as a restart or a full queue may last before the person should decide. */
const patienceMs = 60_000;
const pauseMs = 500;

export interface Sending {
  signal: AbortSignal;
  /** It is tried again; `why` is the reason. Once per reason. */
  onTrouble(why: string): void;
}

/** Whether the same message may be taken later: then it must go out with the same idempotency key. */
export const maySendAgain = (error: unknown): boolean =>
  error instanceof UnreachableError ||
  (error instanceof RefusedError && (error.status === 429 || error.status === 503));

/**
 * The body has an idempotency key, so a message whose answer was lost is not taken twice.
 * @throws CommandError the refusal, or the last one after a minute or when the signal came.
 */
export async function sayUntilTaken(
  client: Pick<CoreClient, 'say'>,
  body: { idempotency_key: string } & Record<string, unknown>,
  { signal, onTrouble }: Sending,
): Promise<Accepted> {
  const until = Date.now() + patienceMs;
  let said = '';
  for (;;) {
    try {
      return await client.say(body);
    } catch (error) {
      const waitMs = Math.max(pauseMs, error instanceof RefusedError ? error.retryAfterMs : 0);
      if (!maySendAgain(error) || signal.aborted || Date.now() + waitMs > until) throw error;
      const why = (error as Error).message;
      if (why !== said) onTrouble(why);
      said = why;
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) throw error;
    }
  }
}
