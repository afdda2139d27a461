/**
 * Finds workers whose beat does not change any more, on the monotonic clock of this process: no clock of another machine
 * counts. Not an authority: who is found here is marked with a compare-and-set on that beat.
 */
export interface WorkerBeat {
  id: string;
  beat: number;
}

export interface SilentWorker extends WorkerBeat {
  /** ms since its beat was seen to change. */
  silentMs: number;
}

export interface FailureDetector {
  /**
   * Takes the beats that were read just now, and returns the workers with the time that each has been silent. After a
   * pause of this process or of the database all counts begin again, since beats may have been missed.
   */
  observe(now: number, beats: readonly WorkerBeat[]): SilentWorker[];
  /** Of a worker that is not among the beats any more, too; 0 when that is not known. */
  silentMs(now: number, id: string): number;
}

/** `stallMs`: more than this between two observations is a pause. */
/** A worker that is marked gone is known for this time. */
const rememberMs = 60_000;

export function createFailureDetector(stallMs: number): FailureDetector {
  let seen = new Map<string, { beat: number; since: number }>();
  /** When those that are not among the beats any more were seen to beat. */
  const missing = new Map<string, number>();
  let observedAt = -Infinity;
  return {
    observe(now, beats) {
      const isAfterPause = now - observedAt > stallMs;
      observedAt = now;
      const before = seen;
      seen = new Map();
      const result = beats.map(({ id, beat }) => {
        const last = before.get(id);
        const since = isAfterPause || last?.beat !== beat ? now : last.since;
        seen.set(id, { beat, since });
        return { id, beat, silentMs: now - since };
      });
      // After a pause it is not known since when the others are silent.
      if (isAfterPause) missing.clear();
      else for (const [id, { since }] of before) if (!seen.has(id)) missing.set(id, since);
      for (const [id, since] of missing) if (now - since > rememberMs) missing.delete(id);
      return result;
    },
    silentMs: (now, id) => now - (seen.get(id)?.since ?? missing.get(id) ?? now),
  };
}
