/**
 * Client of the Bot API: the methods and types of grammY over the project's own HTTP requests (`#shared/http-request`),
 * which know whether a byte of a request has left.
 *
 * A1: no error names the token, which is part of every address, nor repeats what a server says of it.
 * A2: after 401 nothing is sent for `recheckMs`: the token was revoked, and a person must act.
 * A3: files come from the configured address only, by a relative path.
 */
import { Api, GrammyError, HttpError } from 'grammy';
import { z } from 'zod';
import { messageOf } from '#shared/errors';
import { sendHttpRequest, type HttpOutcome } from '#shared/http-request';
import { minuteMs } from '#shared/calendar/time-units';
import type { ChannelFile } from '../channel-adapter-port.ts';

export type ApiFailure =
  /** No byte of the request has left. */
  | { kind: 'unsent'; error: string }
  /** It is unknown whether the request took effect. */
  | { kind: 'lost'; error: string }
  /** A web server answered that is not the Bot API, and has not passed the request on. */
  | { kind: 'page'; status: number; error: string }
  | {
      kind: 'refused';
      code: number;
      error: string;
      retryAfterMs: number | null;
      /** The group is a supergroup with this id now. */
      migratedTo: number | null;
    };

export type ApiOutcome<Value> = { ok: true; value: Value } | { ok: false; failure: ApiFailure };

export interface BotApiOptions {
  token: string;
  apiRoot: string;
  /** Milliseconds of a monotonic clock. */
  now(): number;
}

/** How long a poll waits for messages on the server. */
export const pollSeconds = 30;
const timeouts = { connectMs: 10_000, timeoutMs: 30_000 };
/** 100 messages with their entities and the messages that they answer. */
const bytesMax = 16 * 1024 ** 2;
const recheckMs = 10 * minuteMs;
const errorCharsMax = 300;

export const tokenRefused =
  'Telegram does not know the token: it was revoked, or telegram.token or telegram.apiRoot is wrong';

const apiResponse = z.union([
  z.object({ ok: z.literal(true), result: z.unknown() }),
  z.object({ ok: z.literal(false), error_code: z.number(), description: z.string() }).loose(),
]);

class TransportError extends Error {
  readonly failure: ApiFailure;

  constructor(failure: ApiFailure) {
    super(failure.error);
    this.failure = failure;
  }
}

export type BotApi = ReturnType<typeof createBotApi>;

export function createBotApi({ token, apiRoot, now }: BotApiOptions) {
  const redact = createRedactor(token);
  let refusedUntil = Number.NEGATIVE_INFINITY;
  const api = new Api(token, { apiRoot, fetch: createTransport() as never });

  const failureOf = (error: unknown): ApiFailure => {
    const cause = error instanceof HttpError ? error.error : error;
    if (cause instanceof TransportError) return cause.failure;
    if (!(cause instanceof GrammyError)) return { kind: 'lost', error: messageOf(cause) };
    const { error_code: code, description, parameters } = cause;
    // 404 without a method's name is a token of a wrong form.
    const isTokenRefused = code === 401 || (code === 404 && description === 'Not Found');
    if (isTokenRefused) refusedUntil = now() + recheckMs;
    return {
      kind: 'refused',
      code: isTokenRefused ? 401 : code,
      error: isTokenRefused ? tokenRefused : `${code}: ${description}`,
      retryAfterMs: parameters.retry_after === undefined ? null : parameters.retry_after * 1_000,
      migratedTo: parameters.migrate_to_chat_id ?? null,
    };
  };

  return {
    /** Never rejects. `request` calls one method and passes its signal on. */
    async call<Value>(request: (api: Api) => Promise<Value>): Promise<ApiOutcome<Value>> {
      if (now() < refusedUntil) return { ok: false, failure: tokenRefusal };
      try {
        return { ok: true, value: await request(api) };
      } catch (error) {
        const failure = failureOf(error);
        const text = redact(failure.error).slice(0, errorCharsMax);
        return { ok: false, failure: { ...failure, error: text } };
      }
    },

    /** @param path `file_path` of getFile. Never rejects. */
    async download(path: string, fileBytesMax: number): Promise<ChannelFile> {
      if (!/^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/.test(path)) {
        const error = path.startsWith('/')
          ? 'the Bot API server keeps the file on its own disk: start it without --local'
          : 'the Bot API names a file outside of its own address';
        return { kind: 'refused', error };
      }
      const url = `${apiRoot}/file/bot${token}/${path}`;
      const outcome = await sendHttpRequest({ ...timeouts, url, bytesMax: fileBytesMax });
      if (!outcome.ok) {
        const isLarge = outcome.kind === 'too_large';
        return isLarge ? { kind: 'tooLarge' } : { kind: 'away', error: redact(outcome.error) };
      }
      if (outcome.status !== 200) return { kind: 'away', error: `HTTP ${outcome.status}` };
      return { kind: 'file', name: null, bytes: outcome.body };
    },
  };
}

const tokenRefusal: ApiFailure = {
  kind: 'refused',
  code: 401,
  error: tokenRefused,
  retryAfterMs: null,
  migratedTo: null,
};

interface FetchOptions {
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
}

/** What grammY takes for `fetch`. */
function createTransport() {
  return async (url: string, { headers, body, signal }: FetchOptions) => {
    const isPoll = url.endsWith('/getUpdates');
    const timeoutMs = timeouts.timeoutMs + (isPoll ? pollSeconds * 1_000 : 0);
    const request = {
      ...timeouts,
      timeoutMs,
      url,
      method: 'POST',
      headers,
      body,
      bytesMax,
      signal,
    };
    const answer = parseAnswer(await sendHttpRequest(request));
    return { json: () => Promise.resolve(answer) };
  };
}

/** @throws TransportError for an answer that is not one of the Bot API */
function parseAnswer(outcome: HttpOutcome): unknown {
  if (!outcome.ok) {
    const { wasSent, error } = outcome;
    throw new TransportError({ kind: wasSent ? 'lost' : 'unsent', error });
  }
  const { status, body } = outcome;
  const answer = apiResponse.safeParse(parseJson(body));
  if (answer.success && (!answer.data.ok || status === 200)) return answer.data;
  const error = `HTTP ${status}, not the Bot API`;
  if (status >= 300 && status < 500) throw new TransportError({ kind: 'page', status, error });
  throw new TransportError({ kind: 'lost', error });
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}

/** Proxies repeat the path of the request in their error pages, also escaped. */
function createRedactor(token: string): (text: string) => string {
  const secrets = [token, encodeURIComponent(token), token.slice(token.indexOf(':') + 1)];
  return (text) => secrets.reduce((shown, one) => shown.replaceAll(one, '[token]'), text);
}
