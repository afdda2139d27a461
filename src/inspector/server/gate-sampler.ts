/**
 * The load of each gate in the last hour: a sample every 15 s, also while no page is open, because users usually look
 * at the hour before they open it. It costs one view of each gate per sample.
 */
import type { Clock } from '#shared/clock';
import type { GateSample } from '../page-messages.ts';

/**
 * A shorter interval shows no more detail on a chart 240 points wide; a longer one misses requests of a few seconds.
 */
const sampleEveryMs = 15_000;
const samplesMax = 240;

interface GateLike {
  id?: unknown;
  gate?: { running?: unknown[]; waiting?: unknown[]; circuit?: unknown };
}

export function startGateSampler(gates: () => object[], clock: Clock) {
  const byId = new Map<string, GateSample[]>();
  const sample = (): void => {
    const at = clock.now();
    for (const { id, gate } of gates() as GateLike[]) {
      const samples = byId.get(String(id)) ?? [];
      byId.set(String(id), samples);
      samples.push({
        at,
        running: gate?.running?.length ?? 0,
        waiting: gate?.waiting?.length ?? 0,
        isUp: gate?.circuit === 'closed',
      });
      if (samples.length > samplesMax) samples.shift();
    }
  };
  sample();
  const timer = setInterval(sample, sampleEveryMs);
  timer.unref();
  return {
    /** By backend id, oldest first. */
    samples: (): Record<string, GateSample[]> => Object.fromEntries(byId),
    stop: (): void => clearInterval(timer),
  };
}
export type GateSampler = ReturnType<typeof startGateSampler>;
