/**
 * One HTTP request to the NAS, on its own connection. The caller must know whether the NAS can have received the
 * request: on a reused connection that cannot be determined.
 *
 * X1: `unsent` means that no byte of the request has left: the connection, or its TLS handshake, failed.
 * X2: certificates are always verified: against `ca` and the pin if they are given.
 */
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { messageOf } from '#shared/errors';
import { tlsConnectionOptions, type TlsTrust } from '#shared/tls-options';

export type NasHttpOutcome =
  | { kind: 'answer'; status: number; headers: IncomingMessage['headers']; body: Buffer }
  | { kind: 'unsent'; error: string }
  | { kind: 'lost'; error: string };

export interface NasHttpRequest {
  url: string;
  method: 'GET' | 'POST';
  /** Form-encoded. */
  body?: string;
  trust: TlsTrust;
  bodyBytesMax: number;
  timeouts?: { connectMs: number; responseMs: number };
  signal?: AbortSignal;
}

/** A disk that spins up takes ten seconds; a NAS that is off does not answer at all. */
const defaultTimeouts = { connectMs: 10_000, responseMs: 30_000 };

/** Never rejects. */
export function sendNasRequest(options: NasHttpRequest): Promise<NasHttpOutcome> {
  const { url, method, body, trust, bodyBytesMax, signal } = options;
  const { connectMs, responseMs } = options.timeouts ?? defaultTimeouts;
  const { promise, resolve } = Promise.withResolvers<NasHttpOutcome>();
  const isTls = url.startsWith('https:');
  let wasSent = false;
  const request = (isTls ? requestHttps : requestHttp)(url, {
    method,
    agent: false,
    headers: {
      connection: 'close',
      'user-agent': 'gatehouse',
      ...(body === undefined
        ? {}
        : {
            'content-type': 'application/x-www-form-urlencoded',
            'content-length': String(Buffer.byteLength(body)),
          }),
    },
    ...(isTls ? tlsConnectionOptions(trust) : {}),
  });
  const fail = (error: string): void => {
    resolve({ kind: wasSent ? 'lost' : 'unsent', error });
    request.destroy();
  };
  let timer = setTimeout(() => fail('no connection in time'), connectMs);
  const onAbort = (): void => fail('the bridge stopped');
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  request.on('socket', (socket) => {
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      wasSent = true;
      clearTimeout(timer);
      timer = setTimeout(() => fail('no answer in time'), responseMs);
    });
  });
  request.on('error', (error) => fail(describeError(error)));
  request.on('response', (response) => {
    void readBody(response, bodyBytesMax).then(
      (bytes) =>
        resolve({
          kind: 'answer',
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: bytes,
        }),
      (error: unknown) => fail(messageOf(error)),
    );
  });
  request.end(body);
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    request.destroy();
  });
}

/** The error code says more than the message, and contains no URL with a token. */
function describeError(error: Error): string {
  const { code } = error as { code?: string };
  return code === undefined ? error.message : `${code}: ${error.message}`;
}

async function readBody(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
