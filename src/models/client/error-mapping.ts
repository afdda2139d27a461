/** Maps network errors and HTTP statuses to `ErrorReason`: one table each, no exceptions elsewhere. */
import type { ErrorReason } from '#shared/model/model';
import type { ErrorCode } from '#shared/errors';
import { parseUpstreamError } from './upstream-error.ts';
import type { ServerProfile } from './server-profiles.ts';
import { tryParseJson } from '#shared/text/json-text';

export interface RequestFailure {
  errorReason: ErrorReason;
  message: string;
}

/** Long enough for a server's error sentence, short enough for a log line. */
const messageCharsMax = 300;

const errorReasonsByCode: Record<string, ErrorReason> = {
  ECONNREFUSED: 'connect_refused',
  EHOSTUNREACH: 'connect_refused',
  EHOSTDOWN: 'connect_refused',
  ENETUNREACH: 'connect_refused',
  EADDRNOTAVAIL: 'connect_refused',
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  ETIMEDOUT: 'connect_timeout',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  EAI_NONAME: 'dns',
};

/** One line without control characters, truncated, with the API key removed in case the server repeats it. */
export function redactMessage(message: string, apiKey: string | null): string {
  const shown = apiKey ? message.replaceAll(apiKey, '…') : message;
  // oxlint-disable-next-line no-control-regex
  return shown.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, messageCharsMax);
}

/**
 * The error and its causes, outermost first. fetch hides the cause in `cause`, connecting to several addresses in
 * `errors`.
 */
function causeChain(error: unknown): Error[] {
  const chain: Error[] = [];
  let next = error;
  while (next instanceof Error && chain.length < 8) {
    chain.push(next);
    next = next.cause ?? (next instanceof AggregateError ? next.errors[0] : undefined);
  }
  return chain;
}

/**
 * Maps a network error of a request or its body. An error in no table means that an established connection was lost.
 */
export function mapNetworkError(error: unknown): RequestFailure {
  const chain = causeChain(error);
  for (const each of chain) {
    const code = (each as NodeJS.ErrnoException).code;
    const errorReason = code === undefined ? undefined : errorReasonsByCode[code];
    if (errorReason) return { errorReason, message: each.message || String(code) };
    if (each.message === 'bad port') {
      return { errorReason: 'connect_refused', message: 'HTTP clients refuse to use this port' };
    }
  }
  const message = chain.map((each) => each.message).join(': ') || String(error);
  return { errorReason: 'connection_lost', message };
}

function errorReasonOfStatus(
  status: number,
  loading: boolean,
  profile: ServerProfile,
): ErrorReason {
  if (status === 503 && loading) return 'loading';
  if (status === 429) return 'queue_full';
  if (status === 404 && profile.notFound === 'server_error') return 'http_5xx';
  // 408 and 499 are the server's own timeouts and aborts: the caller cannot correct anything.
  if (status >= 500 || status === 408 || status === 499) return 'http_5xx';
  return 'http_4xx';
}

/** Of the gate proxy: it lets through only the requests of workers of a cluster, which have a permit. */
const unfencedCode = 'GH_GATE_UNFENCED' satisfies ErrorCode;

const hints: Record<number | string, string> = {
  [unfencedCode]:
    'a gate proxy is in front of this server: give this core the section cluster, or start the proxy with --allow-unfenced',
  401: 'check apiKey',
  403: 'check apiKey',
  404: 'check baseUrl and model',
};

/** Maps a response with a status other than 200. */
export function mapHttpStatus(
  status: number,
  body: string,
  profile: ServerProfile,
): RequestFailure {
  const error = parseUpstreamError(tryParseJson(body));
  const upstreamMessage = error?.message ?? body.trim();
  const loading = error?.type === 'unavailable_error' || /\bloading\b/i.test(upstreamMessage);
  const errorReason = errorReasonOfStatus(status, loading, profile);
  const hintOf = body.includes(unfencedCode) ? hints[unfencedCode] : hints[status];
  const hint = errorReason === 'http_4xx' && hintOf ? ` (${hintOf})` : '';
  return {
    errorReason,
    message: `HTTP ${status}${upstreamMessage ? `: ${upstreamMessage}` : ''}${hint}`,
  };
}

/** `Retry-After` in seconds, as ms; null when it is absent or a date. */
export function parseRetryAfter(header: string | null): number | null {
  const seconds = Number.parseFloat(header ?? '');
  return Number.isFinite(seconds) && seconds >= 0 ? Math.round(seconds * 1000) : null;
}
