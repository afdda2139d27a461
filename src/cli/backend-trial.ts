/** One short request to one model server, to see what it is like. */
import { createBackend } from '../backends/backend.ts';
import type { BackendConfig } from '../backends/backend-config.ts';
import { createGate } from '../backends/gate.ts';
import type { ModelOutcome, ModelRequest } from '../contract/model.ts';
import { systemClock } from '../lib/clock.ts';

/** What one request brought. */
export interface Trial {
  outcome: Pick<Extract<ModelOutcome, { ok: true }>, 'ok' | 'toolCalls'> | Failed;
  /** Pieces in which the answer came. */
  pieces: number;
  firstMs: number | null;
}

interface Failed {
  ok: false;
  errorReason: string;
  message: string;
}

/** No core is there whose gate would have to be asked. */
export async function askAlone(
  config: BackendConfig,
  request: ModelRequest,
  timeoutMs: number,
): Promise<Trial> {
  const gate = createGate({
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
