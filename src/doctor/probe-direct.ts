/** One short test request, sent directly to one model server. */
import { createBackend } from '#models/client/backend';
import type { BackendConfig } from '#models/backend-config';
import { GateActor } from '#models/gate/gate';
import type { ModelOutcome, ModelRequest } from '#shared/model/model';
import { systemClock } from '#shared/clock';

/** The result of one test request. */
export interface RequestProbe {
  outcome: Pick<Extract<ModelOutcome, { ok: true }>, 'ok' | 'toolCalls'> | FailedProbe;
  /** Number of chunks in which the answer arrived. */
  pieces: number;
  firstMs: number | null;
}

interface FailedProbe {
  ok: false;
  errorReason: string;
  message: string;
}

/** Only if no core runs: otherwise its gate must grant the request. */
export async function probeDirect(
  config: BackendConfig,
  request: ModelRequest,
  timeoutMs: number,
): Promise<RequestProbe> {
  const gate = new GateActor({
    id: config.id,
    concurrency: 1,
    clock: systemClock,
    probe: () => Promise.resolve(true),
  });
  const backend = createBackend({ config, gate, clock: systemClock });
  let pieces = 0;
  try {
    const outcome = await backend.run(request, {
      kind: 'direct',
      priority: 'foreground',
      user: 'doctor',
      signal: AbortSignal.timeout(timeoutMs),
      onText: () => (pieces += 1),
    });
    return { outcome, pieces, firstMs: outcome.timings.firstTokenMs };
  } finally {
    gate.stop();
    await backend.close();
  }
}
