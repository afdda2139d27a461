/** Doctor check of the machine: Node, time zone, the core or a free port, the trace collector. */
import { createServer } from 'node:net';
import { z } from 'zod';
import { reachableUrl } from '#http/client/core-client';
import type { Config } from '#app/config/config';
import { apiKeysOf } from '#app/config/persons-settings';
import { hasShortKey, recommendedKeyLength } from '#app/config/api-key-check';
import { loadTracingSettings } from '#app/config/otel-env';
import { messageOf } from '#shared/errors';
import type { CheckResult } from '#shared/check-result';
import { sendHttpRequest } from '#shared/http-request';
import { answerMsMax, getCorePage, getJsonPage } from './json-page.ts';

/** Strips types without a flag and has the APIs that the core uses; bin/gatehouse.mjs requires the same version. */
const nodeMin = [24, 12] as const;

export function checkNode(version: string = process.versions.node): CheckResult {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isEnough = major > nodeMin[0] || (major === nodeMin[0] && minor >= nodeMin[1]);
  const what = `Node ${version}`;
  return isEnough
    ? { part: 'node', ok: true, what }
    : {
        part: 'node',
        ok: false,
        what,
        advice: `needs ${nodeMin.join('.')} or newer: npm start brings it`,
      };
}

/** `machineZone`: IANA name; default: the time zone of this machine. */
export function checkTimeZone(
  { timezone }: Config,
  machineZone: string = Intl.DateTimeFormat().resolvedOptions().timeZone,
): CheckResult {
  const now = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    dateStyle: 'medium',
    timeStyle: 'short',
  }).format();
  const what = `${timezone}, where it is ${now}`;
  if (offsetIn(timezone) === offsetIn(machineZone)) return { part: 'time zone', ok: true, what };
  return {
    part: 'time zone',
    ok: true,
    what: `${what}; this machine is set to ${machineZone}`,
    advice: '"tomorrow" and "at three" mean the first: if that is not yours, set `timezone`',
  };
}

const offsetIn = (timeZone: string): string =>
  new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
    .formatToParts()
    .find(({ type }) => type === 'timeZoneName')?.value ?? '';

/** A short key can be guessed. No result if all keys are long enough, or none is set. */
export const checkKeys = (config: Config): CheckResult[] =>
  hasShortKey(apiKeysOf(config))
    ? [
        {
          part: 'keys',
          ok: true,
          what: `server.apiKeys or persons: a key has fewer than ${recommendedKeyLength} characters`,
          advice: 'make a long one, for example with: openssl rand -hex 24',
        },
      ]
    : [];

export interface CoreCheck {
  result: CheckResult;
  isThere: boolean;
}

/** Whether a core answers at the configured address, or could listen there. */
export async function checkCore({ server }: Config): Promise<CoreCheck> {
  const url = reachableUrl(server);
  const part = 'core';
  const taken = 'is something else on this port? set server.port';
  try {
    const { status, json } = await getJsonPage(`${url}/healthz`);
    if (status === 200 && (json as { status?: unknown }).status === 'ok') {
      return { isThere: true, result: { part, ok: true, what: `runs at ${url}` } };
    }
    const what = `${url} is answered by something that is no core`;
    return { isThere: false, result: { part, ok: false, what, advice: taken } };
  } catch {
    const why = await portProblem(server.host, server.port);
    const finding: CheckResult =
      why === null
        ? {
            part,
            ok: true,
            what: `does not run at ${url}, the address is free`,
            advice: 'start it with: gatehouse serve',
          }
        : { part, ok: false, what: `${url}: no core answers, and ${why}`, advice: taken };
    return { isThere: false, result: finding };
  }
}

const readiness = z.object({
  ready: z.boolean(),
  reasons: z.array(z.string()),
  parts: z.object({
    storage: z.string(),
    nats: z.object({ bus: z.string(), url: z.string().nullable() }),
  }),
});

/** The running core's readiness: its storage, the NATS server that it really uses, and its problems. */
export async function checkRunningCore(config: Config): Promise<CheckResult[]> {
  const part = 'core';
  try {
    const { ready, reasons, parts } = readiness.parse(await getCorePage(config, '/readyz'));
    const { bus, url } = parts.nats;
    const facts = `storage ${parts.storage}, nats ${bus}${url === null ? '' : ` at ${url}`}`;
    const what = [ready ? `is ready: ${facts}` : `is not ready: ${facts}`, ...reasons].join('; ');
    return [{ part, ok: ready, what }];
  } catch (error) {
    return [{ part, ok: false, what: `does not say whether it is ready (${messageOf(error)})` }];
  }
}

/** Null: the port is free. */
function portProblem(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EADDRINUSE' ? 'the port is in use' : messageOf(error));
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/**
 * Checks the tracing variables of the environment, and whether the collector accepts traces. No result without
 * variables.
 */
export async function checkTraces(
  env?: Record<string, string | undefined>,
): Promise<CheckResult[]> {
  const part = 'traces';
  const { settings, warnings } = loadTracingSettings(env);
  const findings: CheckResult[] = warnings.map((what) => ({
    part,
    ok: false,
    what,
    advice: 'correct the variable; docs/observability.md has them all',
  }));
  if (settings === null || settings.exporter !== 'otlp') return findings;
  const where = new URL(settings.url).origin;
  const advice = `is a collector with OTLP over HTTP (usually port 4318) at ${where}?`;
  const outcome = await sendHttpRequest({
    url: settings.url,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...settings.headers },
    body: '{"resourceSpans":[]}',
    timeoutMs: answerMsMax,
    bytesMax: 64 * 1024,
  });
  const ok = outcome.ok && outcome.status >= 200 && outcome.status < 300;
  const answer = outcome.ok ? ` answers ${outcome.status}` : `: ${outcome.error}`;
  const what = ok ? `are taken at ${where}` : `${where}${answer}`;
  return [...findings, { part, ok, what, ...(ok ? {} : { advice }) }];
}
