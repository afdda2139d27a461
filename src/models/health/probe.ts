/**
 * Checks the health of a server on the page of its kind. Costs the server no inference and no slot. So it never delays
 * a user's request, and never disturbs an abort (reading llama.cpp's `/slots` or `/metrics` often keeps it from
 * noticing that a client has disconnected).
 */
import type { ErrorReason } from '#shared/model/model';
import { endpointsOf, type BackendConfig } from '../backend-config.ts';
import { createHttpAgent } from '../client/model-http.ts';
import { redactMessage, mapHttpStatus } from '../client/error-mapping.ts';
import { serverProfiles } from '../client/server-profiles.ts';
import { fetchBounded } from '../client/bounded-get.ts';

/** With a dozen requests in flight llama.cpp needs 4 s for this page; a server that needs longer has a problem. */
const defaultProbeTimeoutMs = 8_000;

export type ProbeResult =
  | { ok: true; ms: number }
  | {
      ok: false;
      errorReason: ErrorReason;
      message: string;
      /** HTTP status; null without a response. */
      status: number | null;
      ms: number;
    };

/** Load reported by the status page of a proxy. */
export interface StatusReport {
  activeJobs: number;
  totalRequests: number | null;
}

/**
 * As for a request: the reasons that open the circuit, and those of a server that is running but accepts no requests
 * yet.
 */
const unreachableReasons: ReadonlySet<ErrorReason> = new Set<ErrorReason>([
  'connect_refused',
  'connect_timeout',
  'dns',
  'timeout_total',
  'loading',
]);
/** Sent by a proxy when the server behind it does not answer. */
const badGatewayStatuses: ReadonlySet<number | null> = new Set([502, 504]);

const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;

export function createProbe(config: BackendConfig, timeoutMs = defaultProbeTimeoutMs) {
  const agent = createHttpAgent(config.timeoutsMs.connect);
  const profile = serverProfiles[config.kind];
  const { root, models } = endpointsOf(config.baseUrl);
  const { path, under } = profile.health;
  const url = under === 'v1' ? models.replace(/\/models$/, path) : root + path;
  const { apiKey } = config;

  async function check(signal?: AbortSignal): Promise<ProbeResult> {
    const response = await fetchBounded(url, {
      agent,
      apiKey,
      timeoutMs,
      ...(signal ? { signal } : {}),
    });
    if (!response.ok)
      return { ...response, status: null, message: redactMessage(response.message, apiKey) };
    const { status, ms } = response;
    // A generic server may not have the page: any response counts as healthy.
    const absent = status === 404 || status === 405;
    if (status < 400 || (absent && config.kind === 'generic')) return { ok: true, ms };
    const { errorReason, message } = mapHttpStatus(status, response.text, profile);
    return { ok: false, errorReason, message: redactMessage(message, apiKey), status, ms };
  }

  return {
    /** Resolves within 8 s (or `timeoutMs`); never rejects. */
    check,
    /**
     * Whether a request would reach the server: the health page itself may be missing, forbidden or broken, behind a
     * proxy that forwards only `/v1`, for example. Same time limit as `check`.
     */
    async isReachable(): Promise<boolean> {
      const result = await check();
      if (result.ok) return true;
      return !unreachableReasons.has(result.errorReason) && !badGatewayStatuses.has(result.status);
    },
    /** The load from `statusUrl`; null without a URL or a valid report. */
    async status(signal?: AbortSignal): Promise<StatusReport | null> {
      if (config.statusUrl === null) return null;
      const options = { agent, apiKey, timeoutMs, ...(signal ? { signal } : {}) };
      const response = await fetchBounded(config.statusUrl, options);
      if (!response.ok || response.status !== 200) return null;
      const report = response.json as { active_jobs?: unknown; total_requests?: unknown } | null;
      const activeJobs = count(report?.active_jobs);
      if (activeJobs === null) return null;
      return { activeJobs, totalRequests: count(report?.total_requests) };
    },
    close: (): Promise<void> => agent.destroy(),
  };
}
export type Probe = ReturnType<typeof createProbe>;
