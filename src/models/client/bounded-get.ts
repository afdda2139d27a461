/** Reads small status and discovery pages of servers: bounded in time and size, never throws. */
import type { Agent } from 'undici';
import type { ErrorReason } from '#shared/model/model';
import { mapNetworkError } from './error-mapping.ts';
import { fetchModelServer, readBoundedText } from './model-http.ts';
import { tryParseJson } from '#shared/text/json-text';

/** Maximum body in characters: fits a list of several hundred models. */
const bodyCharsMax = 500_000;

export interface BoundedGetOptions {
  agent: Agent;
  apiKey?: string | null;
  /** Timeout for the whole response. */
  timeoutMs: number;
  signal?: AbortSignal;
  /** Sent as JSON in a POST, where a page is read in this way. */
  body?: object;
}

export type BoundedResponse =
  | {
      ok: true;
      status: number;
      /** The `server` header; empty when absent. */
      server: string;
      /** Null when the body is not JSON. */
      json: unknown;
      text: string;
      ms: number;
    }
  | { ok: false; errorReason: ErrorReason; message: string; ms: number };

export async function fetchBounded(
  url: string,
  options: BoundedGetOptions,
): Promise<BoundedResponse> {
  const { agent, apiKey, timeoutMs, signal, body } = options;
  const expired = AbortSignal.timeout(timeoutMs);
  const startedAt = performance.now();
  const ms = (): number => performance.now() - startedAt;
  try {
    const response = await fetchModelServer(url, {
      agent,
      apiKey,
      ...(body === undefined ? {} : { body }),
      signal: signal ? AbortSignal.any([expired, signal]) : expired,
    });
    const text = await readBoundedText(response, bodyCharsMax);
    const server = response.headers.get('server') ?? '';
    return {
      ok: true,
      status: response.status,
      server,
      json: tryParseJson(text) ?? null,
      text,
      ms: ms(),
    };
  } catch (error) {
    if (signal?.aborted) return { ok: false, errorReason: 'cancelled', message: '', ms: ms() };
    if (expired.aborted) {
      const message = `no page within ${timeoutMs} ms`;
      return { ok: false, errorReason: 'timeout_total', message, ms: ms() };
    }
    return { ok: false, ...mapNetworkError(error), ms: ms() };
  }
}
