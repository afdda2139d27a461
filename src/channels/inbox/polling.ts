/** Repeats the polling rounds of a chat that has no webhook; after a failed round it waits. */
import { abortableSleep } from '#shared/abortable-sleep';
import { exponentialBackoffMs } from '#shared/backoff';
import type { Log } from '#shared/log';
import { createThrottledErrorLog } from '#shared/throttled-error-log';
import type { Poll } from '../channel-adapter-port.ts';

const retryMs = { first: 500, max: 30_000 };

/** `stop` ends the round in progress by its signal, and resolves after it. */
export function startPolling(poll: Poll | undefined, log: Log): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const errorLog = createThrottledErrorLog(log, 'the chat cannot be asked for messages');
  const run = async (): Promise<void> => {
    let failures = 0;
    while (poll !== undefined && !signal.aborted) {
      try {
        await poll(signal);
        errorLog.recovered();
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        errorLog.error(error);
        await abortableSleep(exponentialBackoffMs(failures, retryMs.first, retryMs.max), signal);
        failures += 1;
      }
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
