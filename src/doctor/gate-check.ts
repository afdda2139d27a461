/** Doctor check of a running core's gates: running and waiting requests, waiting times, measured durations. */
import { z } from 'zod';
import type { Config } from '#app/config/config';
import type { CheckResult } from '#shared/check-result';
import { getCorePage } from './json-page.ts';

const millis = z.number().nullable();

/** The fields of `GET /backends` that this check reads. */
const page = z.object({
  backends: z.array(
    z.object({
      id: z.string(),
      load_word: z.object({ en: z.string() }),
      gate: z.object({
        circuit: z.enum(['closed', 'open', 'half-open']),
        next_probe_at: z.string().nullable(),
        running: z.array(z.object({ kind: z.string(), phase: z.string(), held_ms: z.number() })),
        waiting: z.array(z.object({ priority: z.string(), eta_ms: millis })),
        service_ms: z.record(z.string(), z.number()),
      }),
    }),
  ),
});
type BackendEntry = z.infer<typeof page>['backends'][number];

/** One result per gate of the core at the configured address; none if no core runs there. */
export async function checkGates(config: Config): Promise<CheckResult[]> {
  try {
    const parsed = page.safeParse(await getCorePage(config, '/backends'));
    return parsed.success ? parsed.data.backends.map(gateResult) : [];
  } catch {
    // `checkCore` has already reported that no core answers, with advice.
    return [];
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;

function gateResult({ id, load_word: load, gate }: BackendEntry): CheckResult {
  if (gate.circuit !== 'closed') {
    return {
      part: 'gate',
      ok: false,
      what: `${id}: closed to all, the server could not be reached several times in a row`,
      advice: `it is tried again ${gate.next_probe_at === null ? 'soon' : `at ${gate.next_probe_at}`}; start the server, or take it out of backends`,
    };
  }
  const parts = [
    `${id}: ${load.en}`,
    formatRunning(gate.running),
    formatWaiting(gate.waiting),
    formatTimes(gate.service_ms),
  ];
  return { part: 'gate', ok: true, what: parts.filter(Boolean).join(', ') };
}

const formatRunning = (running: BackendEntry['gate']['running']): string =>
  running
    .map(({ kind, phase, held_ms: heldMs }) =>
      phase === 'draining'
        ? `an aborted ${kind} drains`
        : `a ${kind} runs since ${seconds(heldMs)}`,
    )
    .join(', ');

function formatWaiting(waiting: BackendEntry['gate']['waiting']): string {
  if (waiting.length === 0) return '';
  const background = waiting.filter(({ priority }) => priority === 'background').length;
  const last = waiting.at(-1)?.eta_ms ?? null;
  const until = last === null ? '' : `, the last for about ${seconds(last)}`;
  return `${waiting.length} wait${until}${background === 0 ? '' : ` (${background} in the background)`}`;
}

function formatTimes(serviceMs: Record<string, number>): string {
  const times = Object.entries(serviceMs).map(([kind, ms]) => `${kind} ${seconds(ms)}`);
  return times.length === 0 ? '' : `usual times: ${times.join(', ')}`;
}
