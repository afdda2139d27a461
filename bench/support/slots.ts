/** The server behind a queue: one slot, in this process or a real llama.cpp. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startLlamaServer } from '#test/support/llama-server';
import { serverProfiles } from '#models/client/server-profiles';

export interface SlotServer {
  /** How long after an abort the gate waits before it sends the next request. */
  readonly drainMs: number;
  /**
   * Works for `size` (ms in this process, tokens at llama.cpp). Calls `onStart` when the work has begun; at a model
   * that is its first token. Rejects when the signal aborts.
   */
  serve(size: number, signal: AbortSignal, onStart: () => void): Promise<void>;
  close(): Promise<void>;
}

/** Two tokens of a fast model: the time in which a server notices that its client has disconnected. */
const drainMs = 5;

/** First come, first served; an aborted request is noticed after `drainMs`, as by a streaming server. */
export function timedSlot(): SlotServer {
  let last = Promise.resolve();
  return {
    drainMs,
    async serve(ms, signal, onStart) {
      const { promise: freed, resolve: free } = Promise.withResolvers<void>();
      const turn = last;
      last = last.then(() => freed);
      await turn;
      try {
        signal.throwIfAborted();
        onStart();
        await sleep(ms, undefined, { signal });
        free();
      } catch (error) {
        setTimeout(free, drainMs);
        throw error;
      }
    },
    close: async () => undefined,
  };
}

/** The scripted slow model: 25 to 50 tokens a second, for any request. */
export async function llamaSlot(): Promise<SlotServer> {
  const server = await startLlamaServer({ model: 'slow' });
  return {
    drainMs: serverProfiles['llama.cpp'].drain.decodeMs,
    async serve(tokens, signal, onStart) {
      const response = await fetch(`${server.baseUrl}/chat/completions`, {
        method: 'POST',
        signal,
        body: JSON.stringify({
          messages: [{ role: 'user', content: '#loop' }],
          stream: true,
          max_tokens: tokens,
        }),
      });
      const decoder = new TextDecoder();
      let hasStarted = false;
      for await (const bytes of response.body ?? []) {
        const isToken = /"content":"[^"]/.test(decoder.decode(bytes));
        if (isToken && !hasStarted) onStart();
        hasStarted ||= isToken;
      }
    },
    close: () => server.stop(),
  };
}
