/**
 * One request to one server, from the connection to the last byte. The only place that sends one.
 * It must never leave a connection open: whatever ends the exchange closes the socket in the same tick.
 *
 * 1. What goes wrong is a reading with a reason; it rejects only with what `onText` threw, which is a bug.
 * 2. The first cause wins: a broken read that our own cut brought about is not reported.
 * 3. Nothing is reported to `onText` after the exchange has ended.
 */
import { Agent, fetch, type Response } from 'undici';
import { traceHeader } from '../contract/trace.ts';
import {
  createAnswerReader,
  type AnswerReader,
  type ReaderOptions,
  type Reading,
} from './answer-reader.ts';
import { createAnswerStream } from './answer-stream.ts';
import { endpointsOf, type BackendConfig } from './backend-config.ts';
import { networkFailure, retryAfterMs, statusFailure } from './failure-reason.ts';
import { profiles } from './profile.ts';
import { startStreamTimers, type StreamTimers } from './stream-timers.ts';

/** Body of an error answer, in characters. A stack trace fits; more is a page for browsers. */
const ERROR_BODY_CHARS_MAX = 64_000;

/**
 * After the finish_reason come the usage and `[DONE]`, at once. A server that keeps the stream open after it has
 * an answer that is complete: longer only holds the gate. Where the finish_reason stood beside words, further words
 * may come, and a slow model needs seconds for one.
 */
const AFTER_FINISH_MS = { yes: 1_000, perhaps: 5_000 };

export interface ExchangeOptions {
  config: BackendConfig;
  agent: Agent;
  body: Record<string, unknown>;
  /** Closes the connection at once; the reading is then a failure `cancelled`. */
  signal: AbortSignal;
  reader: ReaderOptions;
  /** W3C trace context for the server. */
  traceparent: string | undefined;
}

export interface ExchangeResult {
  reading: Reading;
  /** Status of the server, null when none came. */
  status: number | null;
  retryAfterMs: number | null;
  /** Whether a token of any sort had come: the server was past its prompt. */
  sawToken: boolean;
}

/**
 * An agent for one server: no reuse of connections (mlx-lm closes each; a reused one that died costs a request),
 * no time limits of its own but for connecting, no HTTP/2 (an abort must close the socket).
 */
export function createAgent(connectTimeoutMs: number): Agent {
  return new Agent({
    connect: { timeout: connectTimeoutMs },
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    pipelining: 0,
    keepAliveTimeout: 1_000,
  });
}

/** Reads at most `charsMax` characters of a body as text, and closes it. */
export async function readText(response: Response, charsMax: number): Promise<string> {
  const utf8 = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += utf8.decode(chunk as Uint8Array, { stream: true });
    if (text.length >= charsMax) break;
  }
  return text.slice(0, charsMax);
}

function send(options: ExchangeOptions, signal: AbortSignal): Promise<Response> {
  const { baseUrl, apiKey } = options.config;
  return fetch(endpointsOf(baseUrl).chat, {
    method: 'POST',
    dispatcher: options.agent,
    signal,
    // A redirected POST would arrive as a GET: better the operator learns the right address.
    redirect: 'manual',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
      ...(options.traceparent === undefined ? {} : { [traceHeader]: options.traceparent }),
    },
    body: JSON.stringify(options.body),
  });
}

/** Ends a stream that stays open after the answer is complete. Call `see` after each read. */
function graceAfter(reader: AnswerReader, onOver: () => void) {
  let grace: NodeJS.Timeout | undefined;
  let seen = '';
  return {
    see(): void {
      const { finished, tokens } = reader;
      // Keep-alive comments do not prolong it.
      if (seen === `${finished} ${tokens}`) return;
      seen = `${finished} ${tokens}`;
      clearTimeout(grace);
      if (finished !== 'no') grace = setTimeout(onOver, AFTER_FINISH_MS[finished]);
    },
    stop: () => clearTimeout(grace),
  };
}

/** Feeds the body to the reader until it ends, fails, or is complete. Leaves the connection closed. */
async function readAnswer(
  response: Response,
  reader: AnswerReader,
  timers: StreamTimers,
): Promise<void> {
  const answer = createAnswerStream(reader);
  const stream = response.body?.getReader();
  if (!stream) return;
  const cancel = (): void => void stream.cancel().catch(() => {});
  const grace = graceAfter(reader, cancel);
  try {
    for (;;) {
      if (answer.over) break;
      const { value, done: ended } = await stream.read();
      if (ended) break;
      timers.bytes();
      answer.push(value as Uint8Array);
      if (reader.tokens > 0) timers.token();
      grace.see();
    }
    answer.end();
  } finally {
    grace.stop();
    cancel();
  }
}

/** A callback that keeps the first thing it threw, so that a bug of the caller is not taken for a broken network. */
function guarded(onText: ReaderOptions['onText'], onBug: (bug: unknown) => void) {
  return (text: string, replace: boolean): void => {
    try {
      onText(text, replace);
    } catch (bug) {
      onBug(bug);
    }
  };
}

/** Sends the request and reads the answer to its end. */
export async function runExchange(options: ExchangeOptions): Promise<ExchangeResult> {
  const { config, signal } = options;
  const closing = new AbortController();
  const bugs: unknown[] = [];
  const reader = createAnswerReader({
    ...options.reader,
    onText: guarded(options.reader.onText, (bug) => {
      bugs.push(bug);
      closing.abort();
    }),
  });
  const timers = startStreamTimers(config.timeoutsMs, (reason, limitMs) => {
    reader.fail(reason, `nothing within ${limitMs} ms`);
    closing.abort();
  });
  const cancel = (): void => {
    reader.fail('cancelled', 'the request was cancelled');
    closing.abort();
  };
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });

  let status: number | null = null;
  let retryAfter: number | null = null;
  try {
    const response = await send(options, closing.signal);
    status = response.status;
    if (status === 200) {
      await readAnswer(response, reader, timers);
    } else {
      retryAfter = retryAfterMs(response.headers.get('retry-after'));
      const said = await readText(response, ERROR_BODY_CHARS_MAX);
      const { errorReason, message } = statusFailure(status, said, profiles[config.kind]);
      reader.fail(errorReason, message);
    }
  } catch (error) {
    const { errorReason, message } = networkFailure(error);
    reader.fail(errorReason, message);
  } finally {
    timers.stop();
    signal.removeEventListener('abort', cancel);
  }
  const reading = reader.result();
  if (bugs.length > 0) throw bugs[0];
  return { reading, status, retryAfterMs: retryAfter, sawToken: reader.tokens > 0 };
}
