/**
 * One outgoing HTTP request whose response is read as a whole: to a NAS, a calendar server, a bridge, a running core.
 * The policy of all of them (streams of model servers: `models/client/model-http.ts`, of a core: `http/client`):
 *
 * 1. Time and size are bounded, whatever the server sends, also after decompression.
 * 2. A redirect is a response like any other: credentials go only where the caller sends them.
 * 3. Certificates are always verified: against `trust` if it is given.
 * 4. Its own connection, closed at the end: a reused connection that the server has closed loses a request, and the
 *    caller could not know whether the server can have received it.
 * 5. A failure is a value. `wasSent: false` means that no byte has left: the connection, or its TLS handshake, failed.
 */
import {
  request as requestHttp,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import { promisify } from 'node:util';
import zlib, { type BrotliOptions, type ZlibOptions } from 'node:zlib';
import { messageOf } from './errors.ts';
import { tlsConnectionOptions, type TlsTrust } from './tls-options.ts';

export interface HttpRequest {
  url: string | URL;
  /** Default: GET. */
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  trust?: TlsTrust;
  /** Maximum body of the response, decompressed. */
  bytesMax: number;
  /** Limit of the connection and its TLS handshake. Default: `timeoutMs`, for all together. */
  connectMs?: number;
  /** Limit until the end of the response; counted from the connection if `connectMs` is given. */
  timeoutMs: number;
  signal?: AbortSignal;
}

export type HttpFailureKind = 'timeout' | 'unreachable' | 'aborted' | 'too_large';

export type HttpOutcome =
  | { ok: true; status: number; headers: IncomingHttpHeaders; body: Buffer }
  | { ok: false; kind: HttpFailureKind; wasSent: boolean; error: string };

export const userAgent = 'gatehouse';

/** Never rejects. */
export function sendHttpRequest(options: HttpRequest): Promise<HttpOutcome> {
  const { bytesMax, connectMs, timeoutMs, signal } = options;
  const { promise, resolve } = Promise.withResolvers<HttpOutcome>();
  let wasSent = false;
  let request: ClientRequest | undefined;
  const fail = (kind: HttpFailureKind, error: string): void => {
    resolve({ ok: false, kind, wasSent, error });
    request?.destroy();
  };
  const onAbort = (): void => fail('aborted', 'aborted');
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  const onTimeout = (): void =>
    fail('timeout', wasSent ? 'no answer in time' : 'no connection in time');
  let timer = setTimeout(onTimeout, connectMs ?? timeoutMs);
  const onConnect = (): void => {
    wasSent = true;
    if (connectMs === undefined) return;
    clearTimeout(timer);
    timer = setTimeout(onTimeout, timeoutMs);
  };
  const onResponse = async (message: IncomingMessage): Promise<void> => {
    try {
      const body = await readBody(message, bytesMax);
      if (body === null) fail('too_large', 'the answer is too large');
      else resolve({ ok: true, status: message.statusCode ?? 0, headers: message.headers, body });
    } catch (error) {
      fail('unreachable', describeError(error));
    }
  };
  try {
    request = startRequest(options, onConnect);
    request.on('error', (error) => fail('unreachable', describeError(error)));
    request.on('response', (message) => void onResponse(message));
    request.on('upgrade', (_, socket) => {
      socket.destroy();
      fail('unreachable', 'the server changes the protocol');
    });
    request.end(options.body);
  } catch (error) {
    // The address or a header is not valid.
    fail('unreachable', describeError(error));
  }
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    request?.destroy();
  });
}

function startRequest(
  { url, method = 'GET', headers, body, trust = {} }: HttpRequest,
  onConnect: () => void,
): ClientRequest {
  const target = new URL(url);
  const isTls = target.protocol === 'https:';
  const request = (isTls ? requestHttps : requestHttp)(target, {
    method,
    agent: false,
    headers: {
      'accept-encoding': 'identity',
      ...headers,
      connection: 'close',
      'user-agent': userAgent,
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    },
    ...(isTls ? tlsConnectionOptions(trust) : {}),
  });
  request.on('socket', (socket) => socket.once(isTls ? 'secureConnect' : 'connect', onConnect));
  return request;
}

/** Null if it is larger than `bytesMax`. */
async function readBody(message: IncomingMessage, bytesMax: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) return null;
    chunks.push(chunk);
  }
  return decompress(Buffer.concat(chunks), message.headers['content-encoding'] ?? '', bytesMax);
}

/** Some servers compress without being asked, others only say that they do. Null: larger than `bytesMax`. */
async function decompress(
  body: Buffer,
  encoding: string,
  bytesMax: number,
): Promise<Buffer | null> {
  const run = /^(?:x-)?gzip$|^deflate$/i.test(encoding)
    ? unzip
    : /^br$/i.test(encoding)
      ? unbrotli
      : null;
  if (run === null || body.length === 0) return body;
  try {
    return await run(body, { maxOutputLength: bytesMax });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') return null;
    if (message === 'incorrect header check') return body;
    throw error;
  }
}

const unzip = promisify<Buffer, ZlibOptions, Buffer>(zlib.unzip);
const unbrotli = promisify<Buffer, BrotliOptions, Buffer>(zlib.brotliDecompress);

/** The error code says more than the message. Neither contains the path, which may have a token. */
function describeError(error: unknown): string {
  const { code } = error as { code?: string };
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  const message = messageOf(first ?? error);
  return code === undefined || message.startsWith(code) ? message : `${code}: ${message}`;
}
