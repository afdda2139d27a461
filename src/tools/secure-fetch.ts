/**
 * A `fetch` for a server at home. A NAS has a self-signed certificate, so a certificate can be pinned; a request to
 * an unresponsive server ends after a timeout; credentials are sent only to the site that they are configured for.
 *
 * 1. Only the configured site gets requests, whatever a redirect or an answer says.
 * 2. An answer larger than `bodyBytesMax` is an error, so that memory is bounded.
 */
import { sendHttpRequest, type HttpFailureKind, type HttpOutcome } from '#shared/http-request';
import { unfoldSplitCharacters } from '#shared/text/decode-text';
import type { TlsTrust } from '#shared/tls-options';

/** A year of a full calendar is about 10 MB; a larger answer is not the answer to a calendar query. */
const bodyBytesMax = 32 * 1024 * 1024;

const redirectsMax = 5;

/** Limits of one request; a request after a redirect gets the full limits again. */
export interface FetchLimits {
  timeoutMs: number;
  signal: AbortSignal;
}

export type PinnedFetch = typeof globalThis.fetch;

/** A request got no complete answer. `wasSent`: the request may have reached the server. */
export class PinnedFetchError extends Error {
  readonly kind: HttpFailureKind | 'other_site';
  readonly wasSent: boolean;

  constructor(kind: PinnedFetchError['kind'], wasSent: boolean, message: string) {
    super(message);
    this.name = 'ExchangeError';
    this.kind = kind;
    this.wasSent = wasSent;
  }
}

/** A `fetch` for the site of `home`, with these limits. It rejects with PinnedFetchError. */
export const createPinnedFetch = (
  home: string,
  trust: TlsTrust,
  limits: FetchLimits,
): PinnedFetch => {
  const site = new URL(home);
  return async (input, init) => {
    let url = new URL(input instanceof Request ? input.url : input);
    for (let redirects = 0; ; redirects += 1) {
      if (!isSameSite(url, site)) {
        throw new PinnedFetchError('other_site', false, `${site.host} leads to ${url.host}`);
      }
      const response = await fetchOnce(url, init, trust, limits);
      const next = init?.redirect === 'manual' ? null : redirectTarget(response, url);
      if (next === null || redirects === redirectsMax) return response;
      url = next;
    }
  };
};

function redirectTarget(response: Response, from: URL): URL | null {
  const location = response.headers.get('location');
  if (![301, 302, 307, 308].includes(response.status) || location === null) return null;
  return URL.canParse(location, from.href) ? new URL(location, from) : null;
}

const isSameSite = (url: URL, home: URL): boolean =>
  (url.protocol === home.protocol || url.protocol === 'https:') &&
  registrableDomain(url) === registrableDomain(home);

/** The registrable domain: iCloud redirects each user to a different host below it. */
function registrableDomain(url: URL): string {
  if (/^[\d.]+$|:/.test(url.hostname)) return url.hostname;
  const labels = url.hostname.split('.');
  const [second = '', top = ''] = labels.slice(-2);
  // co.kr and com.au are public suffixes, not sites.
  const isWide = top.length === 2 && second.length <= 3 && labels.length > 2;
  return labels.slice(isWide ? -3 : -2).join('.');
}

async function fetchOnce(
  url: URL,
  init: RequestInit | undefined,
  trust: TlsTrust,
  limits: FetchLimits,
): Promise<Response> {
  const outcome = await sendHttpRequest({
    url,
    method: init?.method ?? 'GET',
    headers: Object.fromEntries(new Headers(init?.headers)),
    ...(typeof init?.body === 'string' ? { body: init.body } : {}),
    trust,
    bytesMax: bodyBytesMax,
    ...limits,
  });
  if (outcome.ok) return toResponse(outcome, url);
  throw new PinnedFetchError(outcome.kind, outcome.wasSent, `${url.host}: ${outcome.error}`);
}

function toResponse(
  { status, headers: raw, body }: HttpOutcome & { ok: true },
  url: URL,
): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const isEmpty = status === 204 || status === 205 || status === 304;
  // Servers return calendars with the folds of the program that wrote them, even folds inside a character.
  const content = isEmpty ? null : new Uint8Array(unfoldSplitCharacters(body));
  const response = new Response(content, { status, headers });
  return Object.defineProperty(response, 'url', { value: url.href });
}
