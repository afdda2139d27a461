/**
 * One HTTP exchange with the NAS, on a connection of its own. What matters is not only what was answered but
 * whether the request can have been seen: with a connection that is used again nobody could tell.
 *
 * X1: `unsent` means that no byte of the request has left: the connection, or its TLS handshake, failed.
 * X2: certificates are verified, always: against `ca` and the pin where they are given.
 */
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { messageOf } from '../lib/errors.ts';
import { trustOptions, type TlsTrust } from '../lib/tls-trust.ts';

export type ExchangeOutcome =
  | { kind: 'answer'; status: number; headers: IncomingMessage['headers']; body: Buffer }
  | { kind: 'unsent'; error: string }
  | { kind: 'lost'; error: string };

export interface ExchangeRequest {
  url: string;
  method: 'GET' | 'POST';
  /** Of a form. */
  body?: string;
  trust: TlsTrust;
  bodyBytesMax: number;
  timeouts?: { connectMs: number; answerMs: number };
  signal?: AbortSignal;
}

/** A disk that spins up takes ten seconds; a NAS that is off answers nothing at all. */
const usualTimeouts = { connectMs: 10_000, answerMs: 30_000 };

/** Never rejects. */
export function exchange(options: ExchangeRequest): Promise<ExchangeOutcome> {
  const { url, method, body, trust, bodyBytesMax, signal } = options;
  const { connectMs, answerMs } = options.timeouts ?? usualTimeouts;
  const { promise, resolve } = Promise.withResolvers<ExchangeOutcome>();
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
    ...(isTls ? trustOptions(trust) : {}),
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
      timer = setTimeout(() => fail('no answer in time'), answerMs);
    });
  });
  request.on('error', (error) => fail(reasonOf(error)));
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

/** The code says more to a person than the sentence, and holds no address with a token. */
function reasonOf(error: Error): string {
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
