/**
 * Asks a server whether it lives, on the page of its kind. Costs the server nothing: no inference, no slot. So it
 * never takes a place from a person, and never disturbs an abort (reading llama.cpp's `/slots` or `/metrics`
 * often keeps it from noticing that a client has gone).
 */
import type { ErrorReason } from '../contract/model.ts';
import { endpointsOf, type BackendConfig } from './backend-config.ts';
import { createAgent } from './exchange.ts';
import { cleanMessage, statusFailure } from './failure-reason.ts';
import { profiles } from './profile.ts';
import { readPage } from './small-page.ts';

/** With a dozen requests in flight llama.cpp needs 4 s for this page; a server that needs longer is in trouble. */
const PROBE_TIMEOUT_MS = 8_000;

export type ProbeResult =
  | { ok: true; ms: number }
  | {
      ok: false;
      errorReason: ErrorReason;
      message: string;
      /** Of the server's answer; null: none came. */
      status: number | null;
      ms: number;
    };

/** What a proxy with a status page tells of its load. */
export interface StatusReport {
  activeJobs: number;
  totalRequests: number | null;
}

export interface Probe {
  /** Resolves within 8 s (or `timeoutMs`); never rejects. */
  check(signal?: AbortSignal): Promise<ProbeResult>;
  /**
   * Whether a request would reach the server: the page itself may be missing, forbidden or broken, behind a proxy
   * that lets only `/v1` through, say. As bounded as `check`.
   */
  reaches(): Promise<boolean>;
  /** The load by `statusUrl`; null without one, or when it tells nothing. */
  status(signal?: AbortSignal): Promise<StatusReport | null>;
  close(): Promise<void>;
}

/** As at the start of a request: what opens the circuit, or a server that is there but takes nothing yet. */
const unreached: ReadonlySet<ErrorReason> = new Set<ErrorReason>([
  'connect_refused',
  'connect_timeout',
  'dns',
  'timeout_total',
  'loading',
]);
/** Said by a proxy of a server behind it. */
const gatewayStatuses: ReadonlySet<number | null> = new Set([502, 504]);

const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;

export function createProbe(config: BackendConfig, timeoutMs = PROBE_TIMEOUT_MS): Probe {
  const agent = createAgent(config.timeoutsMs.connect);
  const profile = profiles[config.kind];
  const { root, models } = endpointsOf(config.baseUrl);
  const { path, under } = profile.health;
  const url = under === 'v1' ? models.replace(/\/models$/, path) : root + path;
  const { apiKey } = config;

  async function check(signal?: AbortSignal): Promise<ProbeResult> {
    const page = await readPage(url, { agent, apiKey, timeoutMs, ...(signal ? { signal } : {}) });
    if (!page.ok) return { ...page, status: null, message: cleanMessage(page.message, apiKey) };
    const { status, ms } = page;
    // A generic server may not have the page: that it answers is all there is to know.
    const absent = status === 404 || status === 405;
    if (status < 400 || (absent && config.kind === 'generic')) return { ok: true, ms };
    const { errorReason, message } = statusFailure(status, page.text, profile);
    return { ok: false, errorReason, message: cleanMessage(message, apiKey), status, ms };
  }

  return {
    check,
    async reaches() {
      const result = await check();
      if (result.ok) return true;
      return !unreached.has(result.errorReason) && !gatewayStatuses.has(result.status);
    },
    async status(signal) {
      if (config.statusUrl === null) return null;
      const options = { agent, apiKey, timeoutMs, ...(signal ? { signal } : {}) };
      const page = await readPage(config.statusUrl, options);
      if (!page.ok || page.status !== 200) return null;
      const report = page.json as { active_jobs?: unknown; total_requests?: unknown } | null;
      const activeJobs = count(report?.active_jobs);
      if (activeJobs === null) return null;
      return { activeJobs, totalRequests: count(report?.total_requests) };
    },
    close: () => agent.destroy(),
  };
}
