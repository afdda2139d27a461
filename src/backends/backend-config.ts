/** What an operator says about one model server, after defaults: section 2 of the configuration file. */
import { reachesThisMachine } from '../lib/loopback.ts';

export type BackendKind =
  | 'ollama'
  | 'llama.cpp'
  | 'mlx-lm'
  | 'mlx-vlm'
  | 'lm-studio'
  | 'vllm'
  | 'generic';

/** Each limit has an `error_reason` of its own (docs/backends.md). All in milliseconds; 0 is no limit. */
export interface BackendTimeouts {
  /** Until the connection stands. */
  connect: number;
  /** From the request to the first token of any sort (text, thinking, tool call). */
  firstToken: number;
  /** Between two signs of life once tokens flow; a keep-alive comment is one. */
  idle: number;
  /** From the request to its end. */
  total: number;
}

export interface BackendConfig {
  id: string;
  /** Where the OpenAI-compatible routes are, `…/v1`. Without a path, `/v1` is meant. */
  baseUrl: string;
  model: string;
  kind: BackendKind;
  /** How many requests the server really runs at once; 1 for single-inference servers. */
  concurrency: number;
  /** A page that answers `{active_jobs, total_requests}`, where a proxy offers one. */
  statusUrl: string | null;
  /** Sent as a bearer token; never logged, cut out of every message. */
  apiKey: string | null;
  timeoutsMs: BackendTimeouts;
}

/**
 * - connect 2 s: on a home network a live host answers in milliseconds; longer only delays the fallback.
 * - first token 2 min: a large model reads a long prompt for a minute; shorter cuts healthy calls.
 * - idle 45 s: llama.cpp sends a keep-alive every 30 s; shorter kills what is alive, longer hides a hang.
 * - total 10 min: large models need minutes per call; a limit of 30 s once cut every one of them.
 */
export const defaultTimeoutsMs: BackendTimeouts = {
  connect: 2_000,
  firstToken: 120_000,
  idle: 45_000,
  total: 600_000,
};

/** The addresses of one server. `root` is for what is not under `/v1` (health pages). */
export interface Endpoints {
  chat: string;
  models: string;
  embeddings: string;
  /** Without a slash at the end. */
  root: string;
}

/** Whether two `baseUrl` are one server, however each is written. Throws a TypeError when one is not a URL. */
export function isSameServer(one: string, other: string): boolean {
  const [a, b] = [one, other].map((baseUrl) => {
    const url = new URL(endpointsOf(baseUrl).embeddings);
    if (reachesThisMachine(url.hostname)) url.hostname = 'localhost';
    return url.href;
  });
  return a === b;
}

/** The addresses that follow from `baseUrl`. Throws a TypeError when it is not a URL: config checks it at start. */
export function endpointsOf(baseUrl: string): Endpoints {
  const url = new URL(baseUrl);
  const path = url.pathname.replace(/\/+$/, '') || '/v1';
  const base = `${url.origin}${path}`;
  return {
    chat: `${base}/chat/completions`,
    models: `${base}/models`,
    embeddings: `${base}/embeddings`,
    root: `${url.origin}${path.replace(/\/v1$/, '')}`,
  };
}
