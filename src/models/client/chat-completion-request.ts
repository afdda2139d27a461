/**
 * One HTTP request to one server, from the connection to the last byte. The only place that sends chat completion
 * requests. It must never leave a connection open: when the request ends for any reason, its socket is closed in the
 * same tick.
 *
 * 1. A failure is a completion with an error reason; the promise rejects only with an exception of `onText`, which is a
 *    bug.
 * 2. The first cause wins: a read error that our own abort caused is not reported.
 * 3. `onText` is not called after the request has ended.
 */
import type { Agent, Response } from 'undici';
import { permitHeaders } from '#shared/wire/permit-headers';
import { traceHeader } from '#shared/wire/trace';
import {
  CompletionAccumulator,
  type AccumulatorOptions,
  type Completion,
} from './completion-accumulator.ts';
import { createCompletionStreamParser } from './chunk-decoder.ts';
import { endpointsOf, type BackendConfig } from '../backend-config.ts';
import { mapNetworkError, parseRetryAfter, mapHttpStatus } from './error-mapping.ts';
import { fetchModelServer, readBoundedText } from './model-http.ts';
import { serverProfiles } from './server-profiles.ts';
import { startResponseTimeouts, type ResponseTimeouts } from './response-timeouts.ts';

/** Maximum body of an error response, in characters: fits a stack trace; longer bodies are browser pages. */
const errorBodyCharsMax = 64_000;

/**
 * Grace period after the finish_reason; the usage and `[DONE]` normally follow at once. If the server keeps the stream
 * open, the answer is complete, and a longer wait only blocks the gate. After a finish_reason in a chunk with content,
 * more content may follow, and a slow model needs seconds for a token.
 */
const finishGraceMs = { yes: 1_000, perhaps: 5_000 };

export interface ChatCompletionOptions {
  config: BackendConfig;
  agent: Agent;
  body: Record<string, unknown>;
  /** Closes the connection at once; the completion is then a failure `cancelled`. */
  signal: AbortSignal;
  accumulator: AccumulatorOptions;
  /** W3C trace context, sent to the server. */
  traceparent: string | undefined;
  /** Of the permit, for a gate proxy; null: the gate belongs to this process alone. */
  fence?: string | null;
}

export interface ChatCompletionResponse {
  completion: Completion;
  /** HTTP status; null without a response. */
  status: number | null;
  retryAfterMs: number | null;
  /** Whether any token was received: the server had finished reading the prompt. */
  sawToken: boolean;
}

/** Ends a stream that stays open after the answer is complete. Call `update` after each read. */
function startFinishGrace(accumulator: CompletionAccumulator, onGraceOver: () => void) {
  let timer: NodeJS.Timeout | undefined;
  let lastProgress = '';
  return {
    update(): void {
      const { finished, tokens } = accumulator;
      // Keep-alive comments do not extend the grace period.
      if (lastProgress === `${finished} ${tokens}`) return;
      lastProgress = `${finished} ${tokens}`;
      clearTimeout(timer);
      if (finished !== 'no') timer = setTimeout(onGraceOver, finishGraceMs[finished]);
    },
    stop: () => clearTimeout(timer),
  };
}

/** Feeds the body to the accumulator until it ends, fails, or is complete. Closes the connection. */
async function readResponseBody(
  response: Response,
  accumulator: CompletionAccumulator,
  timers: ResponseTimeouts,
): Promise<void> {
  const parser = createCompletionStreamParser(accumulator);
  const stream = response.body?.getReader();
  if (!stream) return;
  const cancel = (): void => void stream.cancel().catch(() => {});
  const grace = startFinishGrace(accumulator, cancel);
  try {
    for (;;) {
      if (parser.isDone) break;
      const { value, done: ended } = await stream.read();
      if (ended) break;
      timers.onBytes();
      parser.push(value as Uint8Array);
      if (accumulator.tokens > 0) timers.onToken();
      grace.update();
    }
    parser.end();
  } finally {
    grace.stop();
    cancel();
  }
}

/**
 * Wraps `onText` and passes its exceptions to `onBug`, so that a bug of the caller is not taken for a network error.
 */
function captureThrown(onText: AccumulatorOptions['onText'], onBug: (bug: unknown) => void) {
  return (text: string, replace: boolean): void => {
    try {
      onText(text, replace);
    } catch (bug) {
      onBug(bug);
    }
  };
}

/** Sends the request and reads the response to its end. */
export async function requestChatCompletion(
  options: ChatCompletionOptions,
): Promise<ChatCompletionResponse> {
  const { config, signal } = options;
  const connectionAbort = new AbortController();
  const bugs: unknown[] = [];
  const accumulator = new CompletionAccumulator({
    ...options.accumulator,
    onText: captureThrown(options.accumulator.onText, (bug) => {
      bugs.push(bug);
      connectionAbort.abort();
    }),
  });
  const timers = startResponseTimeouts(config.timeoutsMs, (reason, limitMs) => {
    accumulator.fail(reason, `nothing within ${limitMs} ms`);
    connectionAbort.abort();
  });
  const cancel = (): void => {
    accumulator.fail('cancelled', 'the request was cancelled');
    connectionAbort.abort();
  };
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });

  let status: number | null = null;
  let retryDelayMs: number | null = null;
  try {
    const response = await fetchModelServer(endpointsOf(options.config.baseUrl).chat, {
      agent: options.agent,
      apiKey: options.config.apiKey,
      signal: connectionAbort.signal,
      accept: 'text/event-stream',
      headers: {
        ...(options.traceparent === undefined ? {} : { [traceHeader]: options.traceparent }),
        ...permitHeaders(config.id, options.fence ?? null),
      },
      body: options.body,
    });
    status = response.status;
    if (status === 200) {
      await readResponseBody(response, accumulator, timers);
    } else {
      retryDelayMs = parseRetryAfter(response.headers.get('retry-after'));
      const errorBody = await readBoundedText(response, errorBodyCharsMax);
      const { errorReason, message } = mapHttpStatus(
        status,
        errorBody,
        serverProfiles[config.kind],
      );
      accumulator.fail(errorReason, message);
    }
  } catch (error) {
    const { errorReason, message } = mapNetworkError(error);
    accumulator.fail(errorReason, message);
  } finally {
    timers.stop();
    signal.removeEventListener('abort', cancel);
  }
  const completion = accumulator.result();
  if (bugs.length > 0) throw bugs[0];
  return { completion, status, retryAfterMs: retryDelayMs, sawToken: accumulator.tokens > 0 };
}
