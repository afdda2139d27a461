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
  | { ok: false; errorReason: ErrorReason; message: string; ms: number };

/** What a proxy with a status page tells of its load. */
export interface StatusReport {
  activeJobs: number;
  totalRequests: number | null;
}

export interface Probe {
  /** Resolves within 8 s (or `timeoutMs`); never rejects. */
  check(signal?: AbortSignal): Promise<ProbeResult>;
  /** The load by `statusUrl`; null without one, or when it tells nothing. */
  status(signal?: AbortSignal): Promise<StatusReport | null>;
  close(): Promise<void>;
}

const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;

export function createProbe(config: BackendConfig, timeoutMs = PROBE_TIMEOUT_MS): Probe {
  const agent = createAgent(config.timeoutsMs.connect);
  const profile = profiles[config.kind];
  const { root, models } = endpointsOf(config.baseUrl);
  const { path, under } = profile.health;
  const url = under === 'v1' ? models.replace(/\/models$/, path) : root + path;
  const { apiKey } = config;

  return {
    async check(signal) {
      const page = await readPage(url, { agent, apiKey, timeoutMs, ...(signal ? { signal } : {}) });
      if (!page.ok) return { ...page, message: cleanMessage(page.message, apiKey) };
      // A generic server may not have the page: that it answers is all there is to know.
      const absent = page.status === 404 || page.status === 405;
      if (page.status < 400 || (absent && config.kind === 'generic')) {
        return { ok: true, ms: page.ms };
      }
      const { errorReason, message } = statusFailure(page.status, page.text, profile);
      return { ok: false, errorReason, message: cleanMessage(message, apiKey), ms: page.ms };
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
