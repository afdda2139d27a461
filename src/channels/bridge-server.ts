/**
 * HTTP server of a bridge: its health, and the webhook of its chat if it has one. Every resource is bounded before
 * authentication.
 *
 * W1: body size and read time are limited; a larger or slower request is refused and its connection closed. Concurrent
 *     reads are limited in total and per address: the token is known only after the read, and a slow sender must not
 *     block the chat.
 * W2: an accepted post is answered 200 with an empty body, because a chat may post any body into the conversation.
 * W3: the client's address is that of the connection. No header is trusted.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { errorTable, GatehouseError, messageOf, type ErrorCode } from '#shared/errors';
import type { Log } from '#shared/log';
import type { Webhook } from './channel-adapter-port.ts';

export interface BridgeServerOptions {
  host: string;
  port: number;
  /** Null: the chat is polled. */
  webhook: Webhook | null;
  health(): Record<string, unknown>;
  log: Log;
}

/** Limit of the decoded content (413). A message has some thousand characters. */
const contentBytesMax = 64 * 1024;
/** A form encodes each byte beyond ASCII as three: 7,300 Korean letters become 64 KiB. */
const bodyBytesMax = 3 * contentBytesMax;
const bodyMsMax = 5_000;
/** Each may hold a body: 6 MB in all. A home chat sends one at a time. */
const readingMax = 32;
/** Per address: a chat that sends its backlog uses a few; a quarter leaves room for others. */
const readingOfOneMax = 8;
/** Further connections are closed at once: a connection costs memory before its first request. */
const connectionsMax = 256;
/** Per address. A chat opens one connection per post; a proxy in front keeps some dozen. */
const connectionsOfOneMax = 64;
/** The rest of a refused body is read and discarded up to here, so that the sender can read the response. */
const discardBytesMax = 16 * 1024 * 1024;
const discardMsMax = 2_000;

/** @throws GH_SERVER_PORT */
export async function startBridgeServer(options: BridgeServerOptions) {
  const { host, port, webhook, log } = options;
  let reading = 0;
  const slots = createPerAddressLimit(readingOfOneMax);
  const connections = createPerAddressLimit(connectionsOfOneMax);
  const server = createServer({ maxHeaderSize: 8 * 1024 }, (request, response) => {
    const path = (request.url ?? '').split('?')[0]?.replace(/\/+$/, '');
    if (path === '/healthz' && isReadMethod(request)) return sendHealth(response, options);
    if (webhook === null || path !== webhook.path) {
      return sendError(request, response, 'GH_REQUEST_NOT_FOUND');
    }
    // Some chats send HEAD before they post, and stop posting if the status is not 200.
    if (request.method === 'HEAD') return void response.writeHead(200).end();
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST, HEAD');
      return sendError(request, response, 'GH_REQUEST_INVALID', 'Only POST and HEAD', {
        status: 405,
      });
    }
    const release = reading < readingMax ? slots.acquire(addressOf(request.socket)) : null;
    if (release === null) return sendError(request, response, 'GH_REQUEST_TOO_MANY');
    reading += 1;
    void handlePost(request, response, webhook)
      .catch((error: unknown) => {
        log.error({ error: messageOf(error) }, 'a webhook failed');
        sendError(request, response, 'GH_STORE_UNAVAILABLE');
      })
      .finally(() => {
        reading -= 1;
        release();
      });
  });
  server.on('connection', (socket) => {
    const release = connections.acquire(addressOf(socket));
    if (release === null) socket.destroy();
    else socket.once('close', release);
  });
  server.headersTimeout = bodyMsMax;
  server.requestTimeout = 2 * bodyMsMax;
  server.keepAliveTimeout = bodyMsMax;
  server.maxConnections = connectionsMax;
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });
  await listen(server, host, port);
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    close: (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), bodyMsMax).unref();
      }),
  };
}

/** Must survive a failing disk: that is what this check reports. */
function sendHealth(response: ServerResponse, { health, log }: BridgeServerOptions): void {
  try {
    sendJson(response, 200, health());
  } catch (error) {
    const problem = messageOf(error);
    log.error({ error: problem }, 'the state of the bridge cannot be told');
    sendJson(response, 503, { code: 'GH_STORE_UNAVAILABLE', message: problem });
  }
}

const addressOf = ({ remoteAddress }: Socket): string => remoteAddress ?? '';

const isReadMethod = ({ method }: IncomingMessage): boolean =>
  method === 'GET' || method === 'HEAD';

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: Error & { code?: string }) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : error.message;
      reject(new GatehouseError('GH_SERVER_PORT', `${host}:${port} ${why}`, { cause: error }));
    });
    server.listen(port, host, () => resolve());
  });
}

async function handlePost(
  request: IncomingMessage,
  response: ServerResponse,
  webhook: Webhook,
): Promise<void> {
  const body = await readBody(request);
  if (typeof body === 'string') return sendError(request, response, body);
  if (body === null) return;
  if (contentBytes(body) > contentBytesMax) {
    return sendError(request, response, 'GH_REQUEST_TOO_LARGE');
  }
  const { headers, socket } = request;
  const refusal = await webhook.handle({ body, headers, address: addressOf(socket) });
  if (refusal === null) return void response.writeHead(200, { 'content-length': 0 }).end();
  sendError(request, response, refusal.code, refusal.message);
}

/** Size of the content: a form escape `%XX` counts as one byte. */
function contentBytes(body: Buffer): number {
  let bytes = body.length;
  for (const byte of body) if (byte === percent) bytes -= 2;
  return bytes;
}

const percent = '%'.charCodeAt(0);

/** The body; or the code of the refusal; or null if the client has disconnected. */
function readBody(request: IncomingMessage): Promise<Buffer | ErrorCode | null> {
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) {
    return Promise.resolve('GH_REQUEST_TOO_LARGE');
  }
  const { promise, resolve } = Promise.withResolvers<Buffer | ErrorCode | null>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => resolve('GH_BRIDGE_SLOW'), bodyMsMax);
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) resolve('GH_REQUEST_TOO_LARGE');
    else chunks.push(chunk);
  };
  request.on('data', onData);
  request.once('end', () => resolve(Buffer.concat(chunks)));
  request.once('close', () => resolve(null));
  request.once('error', () => resolve(null));
  return promise.finally(() => {
    clearTimeout(timer);
    request.off('data', onData);
  });
}

function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  code: ErrorCode,
  message: string = errorTable[code].title,
  { status }: { status: number } = errorTable[code],
): void {
  if (!request.complete) {
    response.setHeader('connection', 'close');
    discard(request);
  }
  if (status === 429) response.setHeader('retry-after', '60');
  sendJson(response, status, { code, message });
}

/** Reads the rest of the request: otherwise a sender that is still writing gets a reset instead of the response. */
function discard(request: IncomingMessage): void {
  let bytes = 0;
  const end = (): void => void request.destroy();
  const timer = setTimeout(end, discardMsMax);
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > discardBytesMax) end();
  });
  request.once('close', () => clearTimeout(timer));
  request.on('error', () => undefined);
  request.resume();
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const json = JSON.stringify(body);
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(json),
    })
    .end(json);
}

/** Holds an entry only for addresses with something acquired. @param limit how many one address may hold at once */
function createPerAddressLimit(limit: number) {
  const held = new Map<string, number>();
  return {
    /** Null: the address is at its limit. Call the returned function once, to release. */
    acquire(address: string): (() => void) | null {
      const count = held.get(address) ?? 0;
      if (count >= limit) return null;
      held.set(address, count + 1);
      return () => {
        const left = (held.get(address) ?? 1) - 1;
        if (left === 0) held.delete(address);
        else held.set(address, left);
      };
    },
  };
}
