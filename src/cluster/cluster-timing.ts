/**
 * The times of the workers and of their gates. All follow from `cluster.beatMs` and `cluster.goneAfterMs`; docs/gate.md says
 * why they are safe.
 */
export interface ClusterTiming {
  /** Interval of the beats. */
  beatMs: number;
  /** A worker is gone after this silence. */
  goneAfterMs: number;
  /** The same when nothing listens for it on NATS either. */
  goneFastAfterMs: number;
  /** An arbiter of a gate is mute when its last stored beat is older: one beat after another worker may have replaced it. */
  muteAfterMs: number;
  gate: ClusterGateTiming;
}

export interface ClusterGateTiming {
  beatMs: number;
  /**
   * A holder aborts its request this long after the send time of its last confirmed beat. An arbiter is replaced before: after
   * `goneAfterMs`, and one beat each until its last beat is seen and until the beat of the holder that it would have confirmed.
   */
  abortMs: number;
  /** A permit is valid this long after the send time of the last confirmed beat: one beat more than `abortMs`. */
  permitMs: number;
  /** The arbiter frees the slots of a worker this long after the last beat that it received. More than `permitMs`. */
  freeMs: number;
  /**
   * A new arbiter grants nothing until this long after the last beat of the worker that it replaces: that worker may have
   * confirmed permits for `muteAfterMs`, and they end `permitMs` later.
   */
  quietMs: number;
}

export function clusterTimingOf(settings: { beatMs: number; goneAfterMs: number }): ClusterTiming {
  const { beatMs, goneAfterMs } = settings;
  const goneFastAfterMs = Math.min(1.5 * beatMs, goneAfterMs);
  const muteAfterMs = goneFastAfterMs + beatMs;
  const abortMs = goneAfterMs + 2 * beatMs;
  const permitMs = abortMs + beatMs;
  const gate = {
    beatMs,
    abortMs,
    permitMs,
    freeMs: permitMs + beatMs,
    quietMs: muteAfterMs + permitMs,
  };
  return { beatMs, goneAfterMs, goneFastAfterMs, muteAfterMs, gate };
}
