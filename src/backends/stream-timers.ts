/**
 * The time limits of one answer. Each expires with a reason of its own; the first to expire is the only one.
 * Until the first token only that limit and the total run: response headers and keep-alive comments come long
 * before a token and prove nothing about it.
 */
import type { BackendTimeouts } from './backend-config.ts';

export type TimeoutReason = 'timeout_first_token' | 'timeout_idle' | 'timeout_total';

export interface StreamTimers {
  /** Bytes have come, of whatever meaning. */
  bytes(): void;
  /** A token has come; only the first call counts. */
  token(): void;
  stop(): void;
}

/** Starts the limits of first token and total now. A limit of 0 is none. `onExpire` is called at most once. */
export function startStreamTimers(
  limitsMs: Pick<BackendTimeouts, 'firstToken' | 'idle' | 'total'>,
  onExpire: (reason: TimeoutReason, limitMs: number) => void,
): StreamTimers {
  let over = false;
  let idle: NodeJS.Timeout | null = null;

  function arm(reason: TimeoutReason, limitMs: number): NodeJS.Timeout | null {
    if (limitMs === 0) return null;
    return setTimeout(() => {
      if (over) return;
      stop();
      onExpire(reason, limitMs);
    }, limitMs);
  }

  const total = arm('timeout_total', limitsMs.total);
  const firstToken = arm('timeout_first_token', limitsMs.firstToken);

  function stop(): void {
    over = true;
    for (const timer of [total, firstToken, idle]) if (timer) clearTimeout(timer);
  }

  return {
    bytes: () => idle?.refresh(),
    token() {
      if (over || idle) return;
      if (firstToken) clearTimeout(firstToken);
      idle = arm('timeout_idle', limitsMs.idle);
    },
    stop,
  };
}
