/**
 * The replies of the fake model server. A reply is a function; tests combine them: `after(barrier, says('…'))`. Each
 * ends by itself, or when the client disconnects.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeRequest } from './fake-llm-request.ts';

export interface FakeExchange {
  request: FakeRequest;
  response: ServerResponse;
  /** Aborts when the connection has ended. */
  gone: AbortSignal;
  /** To be called before the server itself ends the connection: the log then has `closedBy: 'server'`. */
  finish: () => void;
}

export type FakeReply = (exchange: FakeExchange) => Promise<void> | void;

/** One SSE frame with this JSON. */
export const frame = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

/** A chunk in the format of OpenAI. */
export const chunk = (delta: unknown, finish: string | null = null): object => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  model: 'fake',
  choices: [{ index: 0, delta, finish_reason: finish }],
});

export const usageChunk = (promptTokens: number, completionTokens: number): object => ({
  object: 'chat.completion.chunk',
  choices: [],
  usage: { prompt_tokens: promptTokens, completion_tokens: completionTokens },
});

const words = (text: string): string[] => text.match(/\S+\s*|\s+/g) ?? [];

function begin(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
  response.flushHeaders();
}

/** Writes, and waits if the client reads more slowly than the server writes. */
async function write({ response, gone }: FakeExchange, bytes: string | Uint8Array): Promise<void> {
  if (gone.aborted || response.destroyed) return;
  if (!response.write(bytes)) await once(response, 'drain', { signal: gone }).catch(() => {});
}

function end({ response, finish }: FakeExchange, last = ''): void {
  finish();
  response.end(last);
}

/** Resolves when the client has disconnected. */
const untilGone = (gone: AbortSignal): Promise<void> =>
  gone.aborted
    ? Promise.resolve()
    : new Promise((resolve) => gone.addEventListener('abort', () => resolve(), { once: true }));

export interface SaysOptions {
  /** Pause between the words. Default 0. */
  wordMs?: number;
  finish?: string;
}

/** Streams the text word by word, and ends with usage and `[DONE]`. */
export const says =
  (text: string, { wordMs = 0, finish = 'stop' }: SaysOptions = {}): FakeReply =>
  async (exchange) => {
    begin(exchange.response);
    await write(exchange, frame(chunk({ role: 'assistant', content: '' })));
    for (const word of words(text)) {
      if (wordMs > 0) {
        await sleep(wordMs, undefined, { signal: exchange.gone }).catch(() => {});
      }
      await write(exchange, frame(chunk({ content: word })));
    }
    await write(exchange, frame(chunk({}, finish)));
    await write(exchange, frame(usageChunk(7, words(text).length)));
    end(exchange, 'data: [DONE]\n\n');
  };

/** The JSON as the text of the answer: the output of a classifier. */
export const saysJson = (value: unknown): FakeReply => says(JSON.stringify(value));

/** Thinking in a field of its own, then the answer. */
export const thinks =
  (thinking: string, answer: string): FakeReply =>
  async (exchange) => {
    begin(exchange.response);
    for (const word of words(thinking)) {
      await write(exchange, frame(chunk({ reasoning_content: word })));
    }
    for (const word of words(answer)) await write(exchange, frame(chunk({ content: word })));
    await write(exchange, frame(chunk({}, 'stop')));
    end(exchange, 'data: [DONE]\n\n');
  };

/** Tool calls: `[name, arguments as JSON text]` each. */
export const calls =
  (...list: [name: string, args: string][]): FakeReply =>
  async (exchange) => {
    begin(exchange.response);
    for (const [index, [name, args]] of list.entries()) {
      const call = {
        index,
        id: `call_${index}`,
        type: 'function',
        function: { name, arguments: args },
      };
      await write(exchange, frame(chunk({ tool_calls: [call] })));
    }
    await write(exchange, frame(chunk({}, 'tool_calls')));
    end(exchange, 'data: [DONE]\n\n');
  };

/** An error status with a JSON body; 503 with `loading()` is the answer of a server that still loads its model. */
export const fails =
  (status: number, body: unknown = { error: { message: 'no' } }, headers = {}): FakeReply =>
  (exchange) => {
    const { response } = exchange;
    response.writeHead(status, {
      'content-type': 'application/json',
      connection: 'close',
      ...headers,
    });
    end(exchange, JSON.stringify(body));
  };

export const loading = (): FakeReply =>
  fails(503, { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } });

/** Accepts the request and never sends a token. Headers, a comment and a role are sent, as by most servers. */
export const stalls = (): FakeReply => async (exchange) => {
  begin(exchange.response);
  await write(exchange, ': keepalive\n\n');
  await write(exchange, frame(chunk({ role: 'assistant', content: '' })));
  await untilGone(exchange.gone);
};

/** Sends this text, then nothing more; the connection stays open. */
export const stallsAfter =
  (text: string): FakeReply =>
  async (exchange) => {
    begin(exchange.response);
    await write(exchange, frame(chunk({ content: text })));
    await untilGone(exchange.gone);
  };

/** Sends this text, and the rest when the barrier opens. */
export const pausesAfter =
  (text: string, barrier: Promise<void>, rest: string): FakeReply =>
  async (exchange) => {
    begin(exchange.response);
    await write(exchange, frame(chunk({ content: text })));
    await barrier;
    await write(exchange, frame(chunk({ content: rest })));
    await write(exchange, frame(chunk({}, 'stop')));
    end(exchange, 'data: [DONE]\n\n');
  };

/** Sends this text, then the connection ends: by a clean end, or by a reset. Without a finish_reason in both cases. */
export const cutsAfter =
  (text: string, how: 'end' | 'reset' = 'end'): FakeReply =>
  async (exchange) => {
    begin(exchange.response);
    if (text !== '') await write(exchange, frame(chunk({ content: text })));
    exchange.finish();
    if (how === 'end') return void exchange.response.end();
    // Waits until the bytes are sent: a reset discards unsent bytes.
    await new Promise((resolve) => setImmediate(resolve));
    exchange.response.socket?.resetAndDestroy();
  };

/** Sends this text, then an error frame. */
export const breaksAfter =
  (text: string, error: unknown = { error: { message: 'out of memory' } }): FakeReply =>
  async (exchange) => {
    begin(exchange.response);
    await write(exchange, frame(chunk({ content: text })));
    end(exchange, frame(error));
  };

/** A complete answer without text. */
export const saysNothing = (): FakeReply => says('');

/** Never ends, for any request. */
export const endless = (): FakeReply => async (exchange) => {
  begin(exchange.response);
  while (!exchange.gone.aborted) {
    await write(exchange, frame(chunk({ content: '끝없는 답 '.repeat(20) })));
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** Only thinking, without an answer. */
export const thinksOnly = (): FakeReply => says('<think> 아직 생각 중', { finish: 'length' });

/** Waits for the barrier (a slow prompt, controlled by the test), then replies. */
export const after =
  (barrier: Promise<unknown>, reply: FakeReply): FakeReply =>
  async (exchange) => {
    await Promise.race([barrier, untilGone(exchange.gone)]);
    if (!exchange.gone.aborted) await reply(exchange);
  };

export interface RawOptions {
  type?: string;
  /** `chunked`, or until the connection closes, as HTTP/1.0 servers do. */
  framing?: 'chunked' | 'close';
  /** The size of the writes: all bytes at once, or one byte each. */
  split?: 'none' | 'bytes';
  ending?: 'end' | 'reset';
}

/** Exactly these bytes as the body. */
export const raw =
  (bytes: string | Uint8Array, options: RawOptions = {}): FakeReply =>
  async (exchange) => {
    const { type = 'text/event-stream', framing = 'chunked', split = 'none' } = options;
    const { response } = exchange;
    if (framing === 'close') response.useChunkedEncodingByDefault = false;
    response.socket?.setNoDelay(true);
    response.writeHead(200, { 'content-type': type, connection: 'close' });
    response.flushHeaders();
    const buffer = Buffer.from(bytes);
    if (split === 'none') {
      await write(exchange, buffer);
    } else {
      for (const byte of buffer) {
        await write(exchange, Uint8Array.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    exchange.finish();
    if (options.ending !== 'reset') return void response.end();
    await new Promise((resolve) => setImmediate(resolve));
    response.socket?.resetAndDestroy();
  };
