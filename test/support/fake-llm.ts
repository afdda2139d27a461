/**
 * A model server for tests, scripted per request: it sends what a test has scripted, byte by byte if necessary, and
 * logs its requests and the time at which each connection ended.
 *
 *     const llm = await startFakeLlm();
 *     llm.script(says('안녕하세요'), stalls());      // the first and the second request; later ones get the default
 *     … use llm.baseUrl …
 *     const request = await llm.arrived(2);           // waits until the second request has arrived
 *     await request.closed;                           // … and until its connection has ended
 *     expect(llm.overlapMax).toBe(1);                 // never two at once
 *     await llm.close();
 *
 * The replies are in fake-llm-replies.ts, the unusual formats of real servers in fake-llm-shapes.ts.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { says, type FakeReply } from './fake-llm-replies.ts';
import type { ChatBody, FakeRequest } from './fake-llm-request.ts';

export interface FakeLlmOptions {
  /** The number of requests that run at once; others are queued, as by a single-inference server. Default: all. */
  slots?: number;
  /** The reply to a request for which nothing was scripted. */
  reply?: FakeReply;
  /** Answers to GET, and to a POST of a path that is given here, by path; a function receives the request. Other paths get 404. */
  pages?: Record<string, FakePage | ((request: IncomingMessage) => FakePage)>;
}

export interface FakePage {
  /** Never answers. */
  hangs?: boolean;
  status?: number;
  headers?: Record<string, string>;
  body: unknown;
}

export interface FakeLlm {
  /** `http://127.0.0.1:<port>/v1`. */
  readonly baseUrl: string;
  readonly port: number;
  /** All chat requests so far. */
  readonly requests: readonly FakeRequest[];
  /** The paths of all GET requests so far. */
  readonly pageViews: readonly string[];
  /** The largest number of chat requests that were open at the same time. */
  readonly overlapMax: number;
  /** Chat requests that are open now. */
  readonly open: number;
  /** Adds replies for the next requests, one each, in order. */
  script(...replies: FakeReply[]): void;
  /** Resolves when the n-th chat request (from 1) has arrived. */
  arrived(n: number): Promise<FakeRequest>;
  /** Stops listening and cuts all connections: new ones are refused. `listen` undoes it, on the same port. */
  refuse(): Promise<void>;
  listen(): Promise<void>;
  close(): Promise<void>;
}

/** Admits `slots` holders at once, the others in order. */
function createSlots(slots: number): { take(): Promise<void>; give(): void } {
  let free = slots;
  const waiting: (() => void)[] = [];
  return {
    take() {
      if (free > 0) {
        free -= 1;
        return Promise.resolve();
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    give() {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    },
  };
}

async function readBody(request: IncomingMessage): Promise<ChatBody> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return JSON.parse(Buffer.concat(parts).toString('utf8')) as ChatBody;
}

class Server implements FakeLlm {
  readonly requests: FakeRequest[] = [];
  readonly pageViews: string[] = [];
  overlapMax = 0;
  open = 0;
  port = 0;
  readonly #options: FakeLlmOptions;
  readonly #scripted: FakeReply[] = [];
  readonly #slots: ReturnType<typeof createSlots>;
  readonly #waiters: { n: number; resolve: (request: FakeRequest) => void }[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  constructor(options: FakeLlmOptions) {
    this.#options = options;
    this.#slots = createSlots(options.slots ?? Number.POSITIVE_INFINITY);
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  script(...replies: FakeReply[]): void {
    this.#scripted.push(...replies);
  }

  arrived(n: number): Promise<FakeRequest> {
    const there = this.requests[n - 1];
    if (there) return Promise.resolve(there);
    return new Promise((resolve) => this.#waiters.push({ n, resolve }));
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async refuse(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  close(): Promise<void> {
    return this.refuse();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    const isPage = request.method === 'GET' || this.#options.pages?.[path] !== undefined;
    if (isPage) this.#servePage(path, request, response);
    else if (path === '/v1/chat/completions') await this.#serveChat(request, response);
    else response.writeHead(404).end();
  }

  #servePage(path: string, request: IncomingMessage, response: ServerResponse): void {
    this.pageViews.push(path);
    const found = this.#options.pages?.[path];
    const page = typeof found === 'function' ? found(request) : found;
    if (page?.hangs) return;
    const type = { 'content-type': 'application/json' };
    response.writeHead(page?.status ?? (page ? 200 : 404), { ...type, ...page?.headers });
    response.end(typeof page?.body === 'string' ? page.body : JSON.stringify(page?.body ?? {}));
  }

  async #serveChat(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    const { promise: closed, resolve: setClosed } = Promise.withResolvers<FakeRequest>();
    const body = await readBody(incoming);
    const request: FakeRequest = {
      n: this.requests.length + 1,
      headers: incoming.headers,
      body,
      arrivedAt: performance.now(),
      closedAt: null,
      closedBy: null,
      closed,
    };
    let finished = false;
    response.socket?.once('close', () => {
      request.closedAt = performance.now();
      request.closedBy = finished ? 'server' : 'client';
      this.open -= 1;
      gone.abort();
      setClosed(request);
    });
    this.open += 1;
    this.overlapMax = Math.max(this.overlapMax, this.open);
    this.requests.push(request);
    const reply = this.#scripted.shift() ?? this.#options.reply ?? says('answer');
    for (const waiter of this.#waiters.splice(0)) {
      if (waiter.n === request.n) waiter.resolve(request);
      else this.#waiters.push(waiter);
    }
    await this.#slots.take();
    try {
      const finish = (): void => void (finished = true);
      if (!gone.signal.aborted) await reply({ request, response, gone: gone.signal, finish });
    } finally {
      this.#slots.give();
    }
  }
}

/** Starts a server on a free port of the loopback interface. Close it after the test. */
export async function startFakeLlm(options: FakeLlmOptions = {}): Promise<FakeLlm> {
  const server = new Server(options);
  await server.listen();
  return server;
}
