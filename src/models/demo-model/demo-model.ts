/**
 * The built-in demo model: an OpenAI-compatible server inside this process, for a first start on a machine without a
 * model server. It is called over HTTP like any other server, so that everything but the text is realistic. It must
 * never be taken for a real model: it says what it is.
 *
 * 1. One request at a time, the others in order of arrival, as in a single-inference server.
 * 2. Answers stream word by word; streaming stops at once when the client disconnects.
 * 3. It listens on loopback only.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { abortableSleep } from '#shared/abortable-sleep';
import type { Clock } from '#shared/clock';
import type { DemoTool } from '#shared/model/demo-rule';
import { defaultTimeoutsMs, type BackendConfig } from '../backend-config.ts';
import { demoAnswer, type DemoAnswer } from './demo-answer.ts';
import { parseDemoRequest } from './demo-request.ts';

export const demoModelName = 'practice-model';

/** About the speed of a small local model: fast enough to be pleasant, slow enough to show queue and cancel. */
const defaultWordMs = 40;

/** Maximum request body: fits a long conversation. */
const bodyBytesMax = 4_000_000;

export interface DemoModelOptions {
  clock: Clock;
  /** Pause before each word, ms. Default 40. */
  wordMs?: number;
  /** How it answers for the tools, in order of precedence. Default: none. */
  tools?: readonly DemoTool[];
}

/**
 * A mutex in order of arrival. `acquire` returns the release function; a request that was aborted while waiting still
 * acquires the slot, and releases it at once.
 */
class SingleSlot {
  #tail: Promise<void> = Promise.resolve();
  active = 0;
  total = 0;

  async acquire(): Promise<() => void> {
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
    if (bytes > bodyBytesMax) return null;
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

/** The streamed pieces of an answer, as OpenAI's `delta`. */
function deltasOf(answer: DemoAnswer): object[] {
  if (answer.kind === 'text') return wordsOf(answer.text).map((content) => ({ content }));
  const call = { name: answer.name, arguments: answer.arguments };
  return [{ tool_calls: [{ index: 0, id: 'call_practice', type: 'function', function: call }] }];
}

const finishOf = (answer: DemoAnswer): string => (answer.kind === 'call' ? 'tool_calls' : 'stop');

function toMessage(answer: DemoAnswer): object {
  if (answer.kind === 'text') return { role: 'assistant', content: answer.text };
  const call = { name: answer.name, arguments: answer.arguments };
  const calls = [{ id: 'call_practice', type: 'function', function: call }];
  return { role: 'assistant', content: null, tool_calls: calls };
}

class DemoServer {
  readonly #slot = new SingleSlot();
  readonly #clock: Clock;
  readonly #wordMs: number;
  readonly #tools: readonly DemoTool[];

  constructor({ clock, wordMs = defaultWordMs, tools = [] }: DemoModelOptions) {
    this.#clock = clock;
    this.#tools = tools;
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
      const model = { id: demoModelName, object: 'model', owned_by: 'gatehouse' };
      return sendJson(response, 200, { object: 'list', data: [model] });
    }
    if (route === 'POST /v1/chat/completions') return this.#chat(request, response);
    sendJson(response, 404, { error: { message: 'there is nothing at this address' } });
  }

  async #chat(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const clientGone = new AbortController();
    response.once('close', () => clientGone.abort());
    const chatRequest = parseDemoRequest(await readBody(request));
    if (!chatRequest) return sendJson(response, 400, { error: { message: 'not a chat request' } });
    const releaseSlot = await this.#slot.acquire();
    try {
      if (clientGone.signal.aborted) return;
      const answer = demoAnswer(chatRequest, this.#clock.now(), this.#tools);
      const tokens = deltasOf(answer).length;
      const usage = { prompt_tokens: 0, completion_tokens: tokens };
      if (chatRequest.stream) {
        await this.#stream(response, answer, usage, clientGone.signal);
      } else {
        const message = toMessage(answer);
        const choices = [{ index: 0, message, finish_reason: finishOf(answer) }];
        const object = 'chat.completion';
        sendJson(response, 200, { object, model: demoModelName, choices, usage });
      }
    } finally {
      releaseSlot();
    }
  }

  async #stream(
    response: ServerResponse,
    answer: DemoAnswer,
    usage: object,
    clientGone: AbortSignal,
  ): Promise<void> {
    const send = (choices: object[], more: object = {}): void => {
      const object = 'chat.completion.chunk';
      const chunk = { object, model: demoModelName, choices, ...more };
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    send([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]);
    for (const delta of deltasOf(answer)) {
      if (this.#wordMs > 0) await abortableSleep(this.#wordMs, clientGone);
      if (clientGone.aborted) return;
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

/** Starts the demo model on a free loopback port. Call `close` at the end. */
export async function startDemoModel(options: DemoModelOptions) {
  const demoServer = new DemoServer(options);
  const server = createServer((request, response) => {
    // An exception here is a broken connection: there is no client to answer.
    demoServer.serve(request, response).catch(() => response.destroy());
  });
  const port = await listen(server);
  return {
    /** Configuration for `createBackend`: id `practice`, kind `generic`, concurrency 1. */
    config: {
      id: 'practice',
      baseUrl: `http://127.0.0.1:${port}/v1`,
      model: demoModelName,
      kind: 'generic',
      vision: false,
      concurrency: 1,
      statusUrl: null,
      apiKey: null,
      timeoutsMs: defaultTimeoutsMs,
    } satisfies BackendConfig,
    /** Closes the server and all connections. */
    async close(): Promise<void> {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
export type DemoModel = Awaited<ReturnType<typeof startDemoModel>>;
