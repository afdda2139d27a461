/**
 * The HTTP door for Chat: bounded in everything, before anybody is known.
 *
 * W1: a body is read up to its limit and for a few seconds; what is larger or slower is refused, and its
 *     connection closed. At most so many requests are being read at once, in all and per address: the token
 *     is known only after the reading, and one slow sender must not shut the chat out.
 * W2: an accepted post is answered 200 with an empty body: Chat would post whatever stands in it.
 * W3: who asks is the address of the connection. No header is believed.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { errorTable, GatehouseError, messageOf, type ErrorCode } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createAddressShares } from './address-shares.ts';
import type { Intake, IntakeOutcome } from './intake.ts';
import { readPost } from './webhook-form.ts';

export interface WebhookServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface WebhookServerOptions {
  host: string;
  port: number;
  intake: Intake;
  health(): Record<string, unknown>;
  /** A refusal of what Chat itself sent is answered 200: some versions stop sending after another answer. */
  quietRefusals: boolean;
  log: Log;
}

/** CONTRACT: 413 beyond it, for what the body says. A message has some thousand characters. */
const contentBytesMax = 64 * 1024;
/** A form writes each byte of a letter beyond ASCII as three: 7,300 letters of Korean are 64 KiB then. */
const bodyBytesMax = 3 * contentBytesMax;
const bodyMsMax = 5_000;
/** Each may hold a body: 6 MB in all. A chat at home sends one at a time. */
const readingMax = 32;
/** Of one address: a chat that sends its backlog uses a few; a quarter leaves room for others. */
const readingOfOneMax = 8;
/** More are closed at once: a connection costs memory before it has said anything. */
const connectionsMax = 256;
/** Of one address. Chat opens one per post; a proxy in front keeps some dozen. */
const connectionsOfOneMax = 64;
/** A body that was refused is thrown away up to here, so that its sender can read why. */
const discardBytesMax = 16 * 1024 * 1024;
const discardMsMax = 2_000;

const webhookPath = '/webhook/synology';

/** @throws GH_SERVER_PORT */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const { host, port, log } = options;
  let reading = 0;
  const slots = createAddressShares(readingOfOneMax);
  const connections = createAddressShares(connectionsOfOneMax);
  const server = createServer({ maxHeaderSize: 8 * 1024 }, (request, response) => {
    const path = (request.url ?? '').split('?')[0]?.replace(/\/+$/, '');
    if (path === '/healthz' && isRead(request)) return tellHealth(response, options);
    if (path !== webhookPath) return refuse(request, response, 'GH_REQUEST_NOT_FOUND', 404);
    // Chat looks with HEAD before it posts, and stops posting where that is not 200.
    if (request.method === 'HEAD') return void response.writeHead(200).end();
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST, HEAD');
      return refuse(request, response, 'GH_REQUEST_INVALID', 405, 'Only POST and HEAD');
    }
    const release = reading < readingMax ? slots.take(addressOf(request.socket)) : null;
    if (release === null) return refuse(request, response, 'GH_REQUEST_TOO_MANY', 429);
    reading += 1;
    void takePost(request, response, options)
      .catch((error: unknown) => log.error({ error: messageOf(error) }, 'a webhook failed'))
      .finally(() => {
        reading -= 1;
        release();
      });
  });
  server.on('connection', (socket) => {
    const release = connections.take(addressOf(socket));
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
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), bodyMsMax).unref();
      }),
  };
}

/** A disk that fails is what this is asked for: it must not end the process. */
function tellHealth(response: ServerResponse, { health, log }: WebhookServerOptions): void {
  try {
    answer(response, 200, health());
  } catch (error) {
    const problem = messageOf(error);
    log.error({ error: problem }, 'the state of the bridge cannot be told');
    answer(response, 503, { code: 'GH_STORE_UNAVAILABLE', message: problem });
  }
}

const addressOf = ({ remoteAddress }: Socket): string => remoteAddress ?? '';

const isRead = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD';

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: Error & { code?: string }) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : error.message;
      reject(new GatehouseError('GH_SERVER_PORT', `${host}:${port} ${why}`, { cause: error }));
    });
    server.listen(port, host, () => resolve());
  });
}

async function takePost(
  request: IncomingMessage,
  response: ServerResponse,
  { intake, quietRefusals, log }: WebhookServerOptions,
): Promise<void> {
  const body = await readBody(request);
  if (typeof body === 'string') {
    const status = errorTable[body].status;
    return refuse(request, response, body, status);
  }
  if (body === null) return;
  if (contentBytes(body) > contentBytesMax) {
    return refuse(request, response, 'GH_REQUEST_TOO_LARGE', 413);
  }
  const address = addressOf(request.socket);
  const post = readPost(body.toString('utf8'), request.headers['content-type'] ?? '');
  const outcome = await intake.take(post, address);
  if (outcome.ok) return void response.writeHead(200, { 'content-length': 0 }).end();
  tell(log, outcome, address);
  if (quietRefusals && outcome.isKnown && outcome.status !== 503) {
    return void response.writeHead(200, { 'content-length': 0 }).end();
  }
  refuse(request, response, outcome.code, outcome.status, outcome.message);
}

function tell(log: Log, outcome: IntakeOutcome & { ok: false }, address: string): void {
  const level = outcome.isKnown ? 'info' : 'debug';
  log[level]({ address, code: outcome.code, status: outcome.status }, 'a post was refused');
}

/** Without the escapes of a form. */
function contentBytes(body: Buffer): number {
  let bytes = body.length;
  for (const byte of body) if (byte === percent) bytes -= 2;
  return bytes;
}

const percent = '%'.charCodeAt(0);

/** The body; the code of why it is refused; or null where the sender has gone. */
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

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  code: ErrorCode,
  status: number,
  message: string = errorTable[code].title,
): void {
  if (!request.complete) {
    response.setHeader('connection', 'close');
    discard(request);
  }
  if (status === 429) response.setHeader('retry-after', '60');
  answer(response, status, { code, message });
}

/** Without this a sender that is still writing gets a reset in place of the answer. */
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

function answer(response: ServerResponse, status: number, body: unknown): void {
  const json = JSON.stringify(body);
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(json),
    })
    .end(json);
}
