/** The configuration of one model server, with defaults applied: `backends[]` of the configuration file. */
import { reachesThisMachine } from '#shared/loopback';
import type { BackendKind } from './client/server-profiles.ts';

/** Each timeout has its own `error_reason` (docs/backends.md). In milliseconds; 0 means no limit. */
export interface BackendTimeouts {
  /** Until the connection is established. */
  connect: number;
  /** From the request to the first token of any kind (text, thinking, tool call). */
  firstToken: number;
  /** Between two received chunks after the first token; a keep-alive comment counts. */
  idle: number;
  /** From the request to its end. */
  total: number;
}

export interface BackendConfig {
  id: string;
  /** Base URL of the OpenAI-compatible routes, `…/v1`. Without a path, `/v1` is assumed. */
  baseUrl: string;
  model: string;
  kind: BackendKind;
  /** Whether the model takes pictures. */
  vision: boolean;
  /** How many requests the server runs in parallel; 1 for single-inference servers. */
  concurrency: number;
  /** URL of a page that returns `{active_jobs, total_requests}`, if a proxy offers it. */
  statusUrl: string | null;
  /** Sent as a bearer token; never logged, and redacted from every message. */
  apiKey: string | null;
  timeoutsMs: BackendTimeouts;
}

/**
 * - connect 2 s: on a home network a live host answers in milliseconds; a longer timeout only delays the fallback.
 * - first token 2 min: a large model reads a long prompt for a minute; a shorter timeout aborts healthy calls.
 * - idle 45 s: llama.cpp sends a keep-alive every 30 s; a shorter timeout aborts live streams, a longer one hides a
 *   hang.
 * - total 10 min: large models need minutes per call; a former limit of 30 s aborted every such call.
 */
export const defaultTimeoutsMs: BackendTimeouts = {
  connect: 2_000,
  firstToken: 120_000,
  idle: 45_000,
  total: 600_000,
};

/** The URLs of one server. `root` is for pages outside `/v1` (health pages). */
export interface Endpoints {
  chat: string;
  models: string;
  embeddings: string;
  /** Without a trailing slash. */
  root: string;
}

/** Whether two `baseUrl` denote the same server, however they are written. Throws a TypeError for an invalid URL. */
export function isSameServer(one: string, other: string): boolean {
  const [a, b] = [one, other].map((baseUrl) => {
    const url = new URL(endpointsOf(baseUrl).embeddings);
    if (reachesThisMachine(url.hostname)) url.hostname = 'localhost';
    return url.href;
  });
  return a === b;
}

/** The URLs derived from `baseUrl`. Throws a TypeError for an invalid URL; the configuration is checked at start. */
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

/** The logger interface of the backends; pino implements it. */
export interface BackendLog {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}
