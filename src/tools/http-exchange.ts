/**
 * One HTTP exchange with a server at home: `fetch` in shape, with what such servers need. A NAS has a
 * certificate of its own making, so one may be pinned; a wedged server is given up after a bound; and
 * credentials are sent only where they were configured for.
 *
 * 1. Nothing is asked of another site than the configured one, whatever a redirect or an answer says.
 * 2. An answer larger than `bodyBytesMax` is an error, not memory.
 */
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { withWholeCharacters } from '../lib/text-bytes.ts';
import { trustOptions, type TlsTrust } from '../lib/tls-trust.ts';

/** A year of a full calendar is about 10 MB; more is not an answer to a question about days. */
const bodyBytesMax = 32 * 1024 * 1024;

const redirectsMax = 5;

/** Bounds of one exchange. */
export interface ExchangeBounds {
  timeoutMs: number;
  signal: AbortSignal;
}

export type Exchange = typeof globalThis.fetch;

/** An exchange gave no complete answer. `wasSent`: the request may have reached the server. */
export class ExchangeError extends Error {
  readonly kind: 'timeout' | 'unreachable' | 'aborted' | 'too_large' | 'other_site';
  readonly wasSent: boolean;

  constructor(kind: ExchangeError['kind'], wasSent: boolean, message: string) {
    super(message);
    this.name = 'ExchangeError';
    this.kind = kind;
    this.wasSent = wasSent;
  }
}

/** A `fetch` for the site of `home`, with these bounds. It throws ExchangeError only. */
export const createExchange = (home: string, trust: TlsTrust, bounds: ExchangeBounds): Exchange => {
  const site = new URL(home);
  return async (input, init) => {
    let url = new URL(input instanceof Request ? input.url : input);
    for (let redirects = 0; ; redirects += 1) {
      if (!isSameSite(url, site)) {
        throw new ExchangeError('other_site', false, `${site.host} leads to ${url.host}`);
      }
      const answer = await exchangeOnce(url, init, trust, bounds);
      const next = init?.redirect === 'manual' ? null : redirectOf(answer, url);
      if (next === null || redirects === redirectsMax) return answer;
      url = next;
    }
  };
};

function redirectOf(answer: Response, from: URL): URL | null {
  const location = answer.headers.get('location');
  if (![301, 302, 307, 308].includes(answer.status) || location === null) return null;
  return URL.canParse(location, from.href) ? new URL(location, from) : null;
}

const isSameSite = (url: URL, home: URL): boolean =>
  (url.protocol === home.protocol || url.protocol === 'https:') && siteOf(url) === siteOf(home);

/** The name that somebody registered: iCloud sends everybody on to a host of his own below it. */
function siteOf(url: URL): string {
  if (/^[\d.]+$|:/.test(url.hostname)) return url.hostname;
  const labels = url.hostname.split('.');
  const [second = '', top = ''] = labels.slice(-2);
  // co.kr and com.au are no site.
  const isWide = top.length === 2 && second.length <= 3 && labels.length > 2;
  return labels.slice(isWide ? -3 : -2).join('.');
}

function exchangeOnce(
  url: URL,
  init: RequestInit | undefined,
  trust: TlsTrust,
  bounds: ExchangeBounds,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const isTls = url.protocol === 'https:';
  const body = typeof init?.body === 'string' ? Buffer.from(init.body) : null;
  let wasSent = false;
  const request = (isTls ? requestHttps : requestHttp)(url, {
    method: init?.method ?? 'GET',
    headers: {
      ...Object.fromEntries(new Headers(init?.headers)),
      'user-agent': 'gatehouse',
      ...(body === null ? {} : { 'content-length': String(body.length) }),
    },
    // One connection per exchange: a question an hour is not worth a pool that a restart breaks.
    agent: false,
    ...(isTls ? trustOptions(trust) : {}),
  });
  const fail = (kind: ExchangeError['kind'], message: string): void => {
    reject(new ExchangeError(kind, wasSent, `${url.host}: ${message}`));
    request.destroy();
  };
  const timer = setTimeout(() => fail('timeout', 'no answer in time'), bounds.timeoutMs);
  const onAbort = (): void => fail('aborted', 'aborted');
  if (bounds.signal.aborted) onAbort();
  bounds.signal.addEventListener('abort', onAbort, { once: true });
  const settle = (): void => {
    clearTimeout(timer);
    bounds.signal.removeEventListener('abort', onAbort);
  };
  request.on('socket', (socket) => {
    // Before this nothing can have left the machine.
    socket.once(isTls ? 'secureConnect' : 'connect', () => (wasSent = true));
  });
  request.on('error', (error) => fail('unreachable', error.message));
  request.on('response', (message) => {
    void readBody(message).then(
      (bytes) => resolve(responseOf(message, bytes, url)),
      (error: Error) =>
        fail(error.message === tooLarge ? 'too_large' : 'unreachable', error.message),
    );
  });
  request.end(body ?? undefined);
  return promise.finally(settle);
}

const tooLarge = 'answer too large';

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new Error(tooLarge);
    chunks.push(chunk);
  }
  // A server hands calendars on with the folds of whoever wrote them, also those within a character.
  return withWholeCharacters(Buffer.concat(chunks));
}

function responseOf(message: IncomingMessage, bytes: Buffer, url: URL): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const status = message.statusCode ?? 502;
  const isEmpty = status === 204 || status === 205 || status === 304;
  const response = new Response(isEmpty ? null : new Uint8Array(bytes), { status, headers });
  Object.defineProperty(response, 'url', { value: url.href });
  return response;
}
