/** HTTP to a model server. The rules of all its requests: chat completions, embeddings, discovery, health. */
import { Agent, fetch, type RequestInit, type Response } from 'undici';
import { userAgent } from '#shared/http-request';

/**
 * HTTP agent for one server: no connection reuse (mlx-lm closes each connection; a reused connection that died costs a
 * request), no timeouts but the connect timeout, no HTTP/2 (an abort must close the socket).
 */
export function createHttpAgent(connectTimeoutMs: number): Agent {
  return new Agent({
    connect: { timeout: connectTimeoutMs },
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    pipelining: 0,
    keepAliveTimeout: 1_000,
  });
}

export interface ModelServerRequest {
  agent: Agent;
  apiKey?: string | null | undefined;
  signal: AbortSignal;
  /** Default: application/json. */
  accept?: string;
  headers?: Record<string, string>;
  /** Sent as JSON in a POST; without it the request is a GET. */
  body?: object;
}

/** Follows no redirect: a redirected POST would arrive as a GET, and an error shows that the address is wrong. */
export function fetchModelServer(url: string, request: ModelServerRequest): Promise<Response> {
  const { agent, apiKey, signal, accept = 'application/json', headers, body } = request;
  const post: RequestInit =
    body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  return fetch(url, {
    ...post,
    dispatcher: agent,
    signal,
    redirect: 'manual',
    headers: {
      'user-agent': userAgent,
      accept,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
      ...headers,
    },
  });
}

/** Reads at most `charsMax` characters of a body as text, and closes the body. */
export async function readBoundedText(response: Response, charsMax: number): Promise<string> {
  const utf8 = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += utf8.decode(chunk as Uint8Array, { stream: true });
    if (text.length >= charsMax) break;
  }
  return text.slice(0, charsMax);
}
