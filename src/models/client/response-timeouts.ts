/**
 * The timeouts of one response. Each expires with its own reason; only the first to expire is reported. Until the first
 * token only that timeout and the total run: response headers and keep-alive comments come long before a token and
 * prove nothing about it.
 */
import type { BackendTimeouts } from '../backend-config.ts';

export type TimeoutReason = 'timeout_first_token' | 'timeout_idle' | 'timeout_total';

/** Starts the timeouts of the first token and of the total. 0 means no timeout. `onExpire` is called at most once. */
export function startResponseTimeouts(
  limitsMs: Pick<BackendTimeouts, 'firstToken' | 'idle' | 'total'>,
  onExpire: (reason: TimeoutReason, limitMs: number) => void,
) {
  let isOver = false;
  let idle: NodeJS.Timeout | null = null;

  function arm(reason: TimeoutReason, limitMs: number): NodeJS.Timeout | null {
    if (limitMs === 0) return null;
    return setTimeout(() => {
      if (isOver) return;
      stop();
      onExpire(reason, limitMs);
    }, limitMs);
  }

  const total = arm('timeout_total', limitsMs.total);
  const firstToken = arm('timeout_first_token', limitsMs.firstToken);

  function stop(): void {
    isOver = true;
    for (const timer of [total, firstToken, idle]) if (timer) clearTimeout(timer);
  }

  return {
    /** Call when any bytes were received. */
    onBytes: (): void => void idle?.refresh(),
    /** Call when a token was received; only the first call counts. */
    onToken(): void {
      if (isOver || idle) return;
      if (firstToken) clearTimeout(firstToken);
      idle = arm('timeout_idle', limitsMs.idle);
    },
    stop,
  };
}
export type ResponseTimeouts = ReturnType<typeof startResponseTimeouts>;
