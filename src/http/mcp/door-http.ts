/**
 * Streamable HTTP for the MCP door, over the official SDK: 2026-07-28, and 2024-11-05 to 2025-11-25 for older clients.
 *
 * S1 Nothing is kept between two requests, so any worker of a cluster answers any of them. There are no sessions: the id
 *    that `initialize` gives is only the name of the client, by which its cancellations find its requests.
 * S2 The client gets what it accepts: JSON, a stream of events, or either.
 * S3 In 2026-07-28 a closed stream cancels the request. In older protocols a lost connection cancels nothing;
 *    `notifications/cancelled` does, also at another worker.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  createMcpHandler,
  isLegacyRequest,
  SdkError,
  SdkErrorCode,
  WebStandardStreamableHTTPServerTransport,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '#shared/errors';
import { clientAbortSignal } from '../server/respond.ts';
import { waitForDrain } from '../server/sse-stream.ts';
import { createCancellableRequests } from './cancellable-requests.ts';
import type { DoorRequest } from './door-server.ts';

export interface DoorHttpOptions {
  /** A new server for one HTTP request of this person. */
  createServer(caller: DoorCaller, requestOf: (context: ServerContext) => DoorRequest): Server;
  /** Cancels the job of a request that another worker has taken. */
  cancelElsewhere(user: string, requestKey: string): Promise<void>;
}

/** Proxies close connections that are silent for 30 to 60 s. */
const keepAliveMs = 15_000;
/** A client that reads nothing for this time is disconnected. */
const drainTimeoutMs = 30_000;
const sessionHeader = 'mcp-session-id';
const sessionCharsMax = 128;

/** Whose tools a request uses. */
export interface DoorCaller {
  user: string;
  /** The address under which the client reaches the core. */
  base: string;
  /** Charges extra work, as bytes of a response. */
  charge(bytes: number): void;
}

/** One HTTP request of a client. */
interface Exchange {
  caller: DoorCaller;
  /** The name of the client; null: it has sent none. */
  session: string | null;
  accepts: { json: boolean; events: boolean };
  ends: (() => void)[];
}

/** The open requests of this process, by which cancellations find them. */
class OpenRequests {
  isStopping = false;
  readonly #requests = createCancellableRequests();
  readonly #cancelElsewhere: DoorHttpOptions['cancelElsewhere'];

  constructor({ cancelElsewhere }: Pick<DoorHttpOptions, 'cancelElsewhere'>) {
    this.#cancelElsewhere = cancelElsewhere;
  }

  /** @param isModern a closed stream cancels the request */
  open({ session, ends, accepts, caller }: Exchange, isModern: boolean, context: ServerContext) {
    const { id, signal } = context.mcpReq;
    const requestKey = session === null ? null : requestKeyOf(session, id);
    const named =
      requestKey === null ? null : this.#requests.open(openKeyOf(caller.user, requestKey));
    if (named !== null) ends.push(named.end);
    return {
      signal: named === null ? signal : AbortSignal.any([signal, named.signal]),
      isCancelled: () =>
        named?.signal.aborted === true ||
        (isModern ? signal.aborted && !this.isStopping : isCancelledByClient(signal)),
      requestKey,
      canStream: accepts.events,
    };
  }

  /** Cancels the requests that the message names. */
  async cancel({ caller, session }: Exchange, body: unknown): Promise<void> {
    if (session === null) return;
    for (const { method, params } of messagesIn(body)) {
      const id = (params as { requestId?: unknown } | undefined)?.requestId;
      if (method !== 'notifications/cancelled' || !isRequestId(id)) continue;
      const requestKey = requestKeyOf(session, id);
      if (!this.#requests.cancel(openKeyOf(caller.user, requestKey))) {
        await this.#cancelElsewhere(caller.user, requestKey);
      }
    }
  }
}

export function createDoorHttp(options: DoorHttpOptions) {
  const requests = new OpenRequests(options);
  const exchanges = new WeakMap<Request, Exchange>();
  const createServer = (exchange: Exchange, isModern: boolean): Server =>
    options.createServer(exchange.caller, (context) => requests.open(exchange, isModern, context));

  const modern = createMcpHandler(
    ({ requestInfo }) => createServer(exchanges.get(requestInfo!)!, true),
    { legacy: 'reject', keepAliveMs },
  );

  async function serveLegacy(web: Request, exchange: Exchange, body: unknown): Promise<Response> {
    await requests.cancel(exchange, body);
    const server = createServer(exchange, false);
    const transport = new WebStandardStreamableHTTPServerTransport({
      enableJsonResponse: !exchange.accepts.events,
      keepAliveMs,
    });
    await server.connect(transport);
    const close = (): void => void server.close().catch(() => undefined);
    exchange.ends.push(close);
    web.signal.addEventListener('abort', close, { once: true });
    const response = await transport.handleRequest(web, { parsedBody: body });
    if (response.ok && messagesIn(body).some(({ method }) => method === 'initialize')) {
      response.headers.set(sessionHeader, randomUUID());
    }
    return response;
  }

  return {
    async handle(request: FastifyRequest, reply: FastifyReply, user: string): Promise<void> {
      const { body } = request;
      const exchange = exchangeOf(request, user);
      const web = webRequest(request, clientAbortSignal(reply));
      exchanges.set(web, exchange);
      try {
        const isLegacy = await isLegacyRequest(web, body);
        const response = isLegacy
          ? await serveLegacy(web, exchange, body)
          : await modern.fetch(web, { parsedBody: body });
        await send(reply, response);
        return reply;
      } finally {
        for (const end of exchange.ends) end();
      }
    },
    /** Ends all requests. Their jobs go on after the restart. */
    stop(): Promise<void> {
      requests.isStopping = true;
      return modern.close();
    },
  };
}

function exchangeOf(request: FastifyRequest, user: string): Exchange {
  const { headers, host, protocol, chargeResponseBytes: charge } = request;
  const session = headers[sessionHeader];
  const isName = typeof session === 'string' && session.length <= sessionCharsMax;
  return {
    caller: { user, base: `${protocol}://${host}`, charge },
    session: isName ? session : null,
    accepts: acceptedBy(headers.accept),
    ends: [],
  };
}

/** Without the header, or with one that names neither form, a client can read both. */
function acceptedBy(accept = ''): Exchange['accepts'] {
  const [json, events] = ['application/json', 'text/event-stream'].map((type) =>
    accept.includes(type),
  ) as [boolean, boolean];
  const isAny = accept === '' || accept.includes('*/*') || (!json && !events);
  return { json: json || isAny, events: events || isAny };
}

/** The headers of the protocol. The key stays here; the form of the answer is chosen by `accepts`. */
function webRequest({ headers }: FastifyRequest, signal: AbortSignal): Request {
  const passed = Object.entries(headers).filter(
    (header): header is [string, string] =>
      header[0].startsWith('mcp-') && typeof header[1] === 'string',
  );
  return new Request('http://localhost/mcp', {
    method: 'POST',
    headers: [
      ...passed,
      ['content-type', 'application/json'],
      ['accept', 'application/json, text/event-stream'],
    ],
    signal,
  });
}

interface LooseMessage {
  method?: unknown;
  params?: unknown;
}

export const messagesIn = (body: unknown): LooseMessage[] =>
  [body].flat().filter((one): one is LooseMessage => typeof one === 'object' && one !== null);

const isRequestId = (id: unknown): id is string | number =>
  typeof id === 'string' || typeof id === 'number';

const requestKeyOf = (session: string, id: string | number): string =>
  createHash('sha256')
    .update(JSON.stringify([session, id]))
    .digest('base64url');

const openKeyOf = (user: string, requestKey: string): string => `${requestKey} ${user}`;

const isCancelledByClient = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && !(reason instanceof SdkError && reason.code === SdkErrorCode.ConnectionClosed);

/** An error of the SDK with one of our codes in its data, as all errors of this route. */
function withOurCode(text: string, status: number): string {
  const codes: Record<number, ErrorCode> = { 404: 'GH_REQUEST_NOT_FOUND', 500: 'GH_JOB_BUG' };
  const code = codes[status] ?? 'GH_REQUEST_INVALID';
  try {
    const body = JSON.parse(text) as { error: { data?: object } };
    return JSON.stringify({
      ...body,
      error: { ...body.error, data: { ...body.error.data, code } },
    });
  } catch {
    return text;
  }
}

/** A stream is sent as it comes, at the pace of the client. */
async function send(reply: FastifyReply, response: Response): Promise<void> {
  const isStream = response.headers.get('content-type')?.includes('text/event-stream') === true;
  if (!isStream) {
    const text = await response.text();
    void reply.code(response.status).headers(Object.fromEntries(response.headers));
    return void reply.send(response.ok ? text : withOurCode(text, response.status));
  }
  const { chargeResponseBytes } = reply.request;
  const { raw } = reply.hijack();
  raw.writeHead(response.status, Object.fromEntries(response.headers));
  raw.flushHeaders();
  for await (const chunk of response.body ?? []) {
    if (raw.destroyed) break;
    chargeResponseBytes(chunk.length);
    if (!raw.write(chunk) && !(await waitForDrain(raw, drainTimeoutMs))) raw.destroy();
  }
  raw.end();
}
