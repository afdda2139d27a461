/** From what the network and the server say to our own words for it: one table each, no exceptions elsewhere. */
import type { ErrorReason } from '../contract/model.ts';
import { errorOf } from './frame-error.ts';
import type { BackendProfile } from './profile.ts';

export interface FailureReason {
  errorReason: ErrorReason;
  message: string;
}

/** Long enough for a sentence of a server, short enough for a log line. */
const MESSAGE_CHARS_MAX = 300;

const codeReasons: Record<string, ErrorReason> = {
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

/** One line without control characters, bounded, with the key cut out should the server repeat it. */
export function cleanMessage(message: string, apiKey: string | null): string {
  const shown = apiKey ? message.replaceAll(apiKey, '…') : message;
  // oxlint-disable-next-line no-control-regex
  return shown.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, MESSAGE_CHARS_MAX);
}

/** The error and its causes, outermost first. fetch hides what happened in `cause`, a double dial in `errors`. */
function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  let next = error;
  while (next instanceof Error && chain.length < 8) {
    chain.push(next);
    next = next.cause ?? (next instanceof AggregateError ? next.errors[0] : undefined);
  }
  return chain;
}

/** Why a request or its body broke off. What is in no table had a connection and lost it. */
export function networkFailure(error: unknown): FailureReason {
  const chain = chainOf(error);
  for (const each of chain) {
    const code = (each as NodeJS.ErrnoException).code;
    const errorReason = code === undefined ? undefined : codeReasons[code];
    if (errorReason) return { errorReason, message: each.message || String(code) };
    if (each.message === 'bad port') {
      return { errorReason: 'connect_refused', message: 'HTTP clients refuse to use this port' };
    }
  }
  const message = chain.map((each) => each.message).join(': ') || String(error);
  return { errorReason: 'connection_lost', message };
}

function reasonOfStatus(status: number, loading: boolean, profile: BackendProfile): ErrorReason {
  if (status === 503 && loading) return 'loading';
  if (status === 429) return 'queue_full';
  if (status === 404 && profile.notFound === 'server_fault') return 'http_5xx';
  // 408 and 499 are the server's own limits and aborts: nothing that the caller could do better.
  if (status >= 500 || status === 408 || status === 499) return 'http_5xx';
  return 'http_4xx';
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

const hints: Record<number, string> = {
  401: 'check apiKey',
  403: 'check apiKey',
  404: 'check baseUrl and model',
};

/** Why a server answered with something else than 200. */
export function statusFailure(
  status: number,
  body: string,
  profile: BackendProfile,
): FailureReason {
  const error = errorOf(parse(body));
  const said = error?.message ?? body.trim();
  const loading = error?.type === 'unavailable_error' || /\bloading\b/i.test(said);
  const errorReason = reasonOfStatus(status, loading, profile);
  const hint = errorReason === 'http_4xx' && hints[status] ? ` (${hints[status]})` : '';
  return { errorReason, message: `HTTP ${status}${said ? `: ${said}` : ''}${hint}` };
}

/** `Retry-After` in seconds, as a duration; null when it is absent or a date. */
export function retryAfterMs(header: string | null): number | null {
  const seconds = Number.parseFloat(header ?? '');
  return Number.isFinite(seconds) && seconds >= 0 ? Math.round(seconds * 1000) : null;
}
