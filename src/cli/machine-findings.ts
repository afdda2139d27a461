/** The machine as the doctor sees it: Node, time zone, the core or a free port, where traces go. */
import { createServer } from 'node:net';
import { z } from 'zod';
import { reachableUrl } from './core-client.ts';
import type { Config } from '../config/config.ts';
import { hasShortKey, keyCharsAdvised } from '../config/key-check.ts';
import { loadTracing } from '../config/tracing.ts';
import { messageOf } from '../lib/errors.ts';
import { commandKey } from '../lib/key-ring.ts';
import type { Finding } from './finding.ts';

/** Strips types without a flag and has the calls that the core uses; bin/gatehouse.mjs says the same. */
const nodeMin = [24, 12] as const;

const answerMsMax = 2_000;

export function checkNode(version: string = process.versions.node): Finding {
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

/** `machineZone`: IANA name; by default the zone that this machine is set to. */
export function checkTimeZone(
  { timezone }: Config,
  machineZone: string = Intl.DateTimeFormat().resolvedOptions().timeZone,
): Finding {
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

/** A short key can be tried out; nothing is said where all are long enough, or none is set. */
export const checkKeys = ({ server }: Config): Finding[] =>
  hasShortKey(server.apiKeys)
    ? [
        {
          part: 'keys',
          ok: true,
          what: `server.apiKeys: a key has fewer than ${keyCharsAdvised} characters`,
          advice: 'make a long one, for example with: openssl rand -hex 24',
        },
      ]
    : [];

export interface CoreCheck {
  finding: Finding;
  isThere: boolean;
}

/** Whether a core answers at the configured address, or could. */
export async function checkCore({ server }: Config): Promise<CoreCheck> {
  const url = reachableUrl(server);
  const part = 'core';
  const taken = 'is something else on this port? set server.port';
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(answerMsMax) });
    const body = (await response.json()) as { status?: unknown };
    if (response.ok && body.status === 'ok') {
      return { isThere: true, finding: { part, ok: true, what: `runs at ${url}` } };
    }
    const what = `${url} is answered by something that is no core`;
    return { isThere: false, finding: { part, ok: false, what, advice: taken } };
  } catch {
    const why = await whyNotFree(server.host, server.port);
    const finding: Finding =
      why === null
        ? {
            part,
            ok: true,
            what: `does not run at ${url}, the address is free`,
            advice: 'start it with: gatehouse serve',
          }
        : { part, ok: false, what: `${url}: no core answers, and ${why}`, advice: taken };
    return { isThere: false, finding };
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

/** What the running core says of itself: its storage, the NATS server it really uses, and what is missing. */
export async function checkRunningCore({ server }: Config): Promise<Finding[]> {
  const part = 'core';
  const key = commandKey(server.apiKeys);
  try {
    const response = await fetch(`${reachableUrl(server)}/readyz`, {
      signal: AbortSignal.timeout(answerMsMax),
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
    });
    const { ready, reasons, parts } = readiness.parse(await response.json());
    const { bus, url } = parts.nats;
    const facts = `storage ${parts.storage}, nats ${bus}${url === null ? '' : ` at ${url}`}`;
    const what = [ready ? `is ready: ${facts}` : `is not ready: ${facts}`, ...reasons].join('; ');
    return [{ part, ok: ready, what }];
  } catch (error) {
    return [{ part, ok: false, what: `does not say whether it is ready (${messageOf(error)})` }];
  }
}

/** Null: it can be listened on. */
function whyNotFree(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EADDRINUSE' ? 'the port is in use' : messageOf(error));
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** What the environment says of traces, and whether their collector takes any. Nothing where it says nothing. */
export async function checkTraces(env?: Record<string, string | undefined>): Promise<Finding[]> {
  const part = 'traces';
  const { settings, warnings } = loadTracing(env);
  const findings: Finding[] = warnings.map((what) => ({
    part,
    ok: false,
    what,
    advice: 'correct the variable; docs/observability.md has them all',
  }));
  if (settings === null || settings.exporter !== 'otlp') return findings;
  const where = new URL(settings.url).origin;
  const advice = `is a collector with OTLP over HTTP (usually port 4318) at ${where}?`;
  try {
    const answer = await fetch(settings.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...settings.headers },
      body: '{"resourceSpans":[]}',
      signal: AbortSignal.timeout(answerMsMax),
    });
    const what = answer.ok ? `are taken at ${where}` : `${where} answers ${answer.status}`;
    return [...findings, { part, ok: answer.ok, what, ...(answer.ok ? {} : { advice }) }];
  } catch (error) {
    const why = messageOf((error as Error).cause ?? error);
    return [...findings, { part, ok: false, what: `${where}: ${why}`, advice }];
  }
}
