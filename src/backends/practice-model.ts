/**
 * The built-in practice model: an OpenAI-compatible server inside of this process, for a first start on a machine
 * without a model server. It is reached over HTTP like any other, so that everything but the words is the real
 * thing. It must never be taken for a real model: it says what it is.
 *
 * 1. One request at a time, the others in order of arrival: what a single-inference server does.
 * 2. Answers stream word by word; it stops at once when the client has gone.
 * 3. It listens on loopback only.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';
import { defaultTimeoutsMs, type BackendConfig } from './backend-config.ts';
import { practiceAnswer, type PracticeAnswer } from './practice-answer.ts';
import { readPracticeRequest } from './practice-prompt.ts';

export const practiceModelName = 'practice-model';

/** About the speed of a small local model: fast enough to be pleasant, slow enough to see queue and cancel. */
const WORD_MS = 40;

/** A conversation of some length fits; what is larger is no chat. */
const BODY_BYTES_MAX = 4_000_000;

export interface PracticeModelOptions {
  clock: Clock;
  /** Pause before each word. Default 40 ms. */
  wordMs?: number;
}

export interface PracticeModel {
  /** For `createBackend`: id `practice`, kind `generic`, concurrency 1. */
  readonly config: BackendConfig;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Lets one in at a time. Leaving is by the returned function; who aborts while waiting is let through to leave. */
class SingleSlot {
  #tail: Promise<void> = Promise.resolve();
  active = 0;
  total = 0;

  async enter(): Promise<() => void> {
    const before = this.#tail;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tail = promise;
    this.active += 1;
    this.total += 1;
    await before;
    return () => {
      this.active -= 1;
      resolve();
    };
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += (part as Buffer).length;
    if (bytes > BODY_BYTES_MAX) return null;
    parts.push(part as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    return null;
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

const wordsOf = (text: string): string[] => text.match(/\s*\S+|\s+$/g) ?? [];

/** The pieces in which an answer is streamed, as OpenAI's `delta`. */
function deltasOf(answer: PracticeAnswer): object[] {
  if (answer.kind === 'text') return wordsOf(answer.text).map((content) => ({ content }));
  const call = { name: answer.name, arguments: answer.arguments };
  return [{ tool_calls: [{ index: 0, id: 'call_practice', type: 'function', function: call }] }];
}

const finishOf = (answer: PracticeAnswer): string =>
  answer.kind === 'call' ? 'tool_calls' : 'stop';

function wholeMessage(answer: PracticeAnswer): object {
  if (answer.kind === 'text') return { role: 'assistant', content: answer.text };
  const call = { name: answer.name, arguments: answer.arguments };
  const calls = [{ id: 'call_practice', type: 'function', function: call }];
  return { role: 'assistant', content: null, tool_calls: calls };
}

class PracticeServer {
  readonly #slot = new SingleSlot();
  readonly #clock: Clock;
  readonly #wordMs: number;

  constructor({ clock, wordMs = WORD_MS }: PracticeModelOptions) {
    this.#clock = clock;
    this.#wordMs = wordMs;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = `${request.method} ${request.url}`;
    if (route === 'GET /health') return sendJson(response, 200, { status: 'ok' });
    if (route === 'GET /status') {
      const { active, total } = this.#slot;
      return sendJson(response, 200, { active_jobs: active, total_requests: total });
    }
    if (route === 'GET /v1/models') {
      const model = { id: practiceModelName, object: 'model', owned_by: 'gatehouse' };
      return sendJson(response, 200, { object: 'list', data: [model] });
    }
    if (route === 'POST /v1/chat/completions') return this.#chat(request, response);
    sendJson(response, 404, { error: { message: 'there is nothing at this address' } });
  }

  async #chat(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const asked = readPracticeRequest(await readBody(request));
    if (!asked) return sendJson(response, 400, { error: { message: 'not a chat request' } });
    const leave = await this.#slot.enter();
    try {
      if (gone.signal.aborted) return;
      const answer = practiceAnswer(asked, this.#clock.now());
      const tokens = deltasOf(answer).length;
      const usage = { prompt_tokens: 0, completion_tokens: tokens };
      if (asked.stream) {
        await this.#stream(response, answer, usage, gone.signal);
      } else {
        const message = wholeMessage(answer);
        const choices = [{ index: 0, message, finish_reason: finishOf(answer) }];
        const object = 'chat.completion';
        sendJson(response, 200, { object, model: practiceModelName, choices, usage });
      }
    } finally {
      leave();
    }
  }

  async #stream(
    response: ServerResponse,
    answer: PracticeAnswer,
    usage: object,
    gone: AbortSignal,
  ): Promise<void> {
    const send = (choices: object[], more: object = {}): void => {
      const object = 'chat.completion.chunk';
      const chunk = { object, model: practiceModelName, choices, ...more };
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    send([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]);
    for (const delta of deltasOf(answer)) {
      if (this.#wordMs > 0) await sleep(this.#wordMs, undefined, { signal: gone }).catch(() => {});
      if (gone.aborted) return;
      send([{ index: 0, delta, finish_reason: null }]);
    }
    send([{ index: 0, delta: {}, finish_reason: finishOf(answer) }]);
    send([], { usage });
    response.end('data: [DONE]\n\n');
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Starts it on a free port of the loopback interface. Close it at the end. */
export async function startPracticeModel(options: PracticeModelOptions): Promise<PracticeModel> {
  const practice = new PracticeServer(options);
  const server = createServer((request, response) => {
    // What is thrown here is a broken connection: there is nobody left to tell.
    practice.serve(request, response).catch(() => response.destroy());
  });
  const port = await listen(server);
  return {
    config: {
      id: 'practice',
      baseUrl: `http://127.0.0.1:${port}/v1`,
      model: practiceModelName,
      kind: 'generic',
      concurrency: 1,
      statusUrl: null,
      apiKey: null,
      timeoutsMs: defaultTimeoutsMs,
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
