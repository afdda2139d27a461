/** Switches work of a connection on and off: of several processes one does it at a time. */
export interface TaskSwitch {
  readonly isOn: boolean;
  turnOn(): void;
  /** Resolves when the work has ended. */
  turnOff(): Promise<void>;
  /**
   * Runs `work` whenever it is switched on, until `signal` aborts; its own signal also aborts when it is switched off.
   * `work` must not reject.
   */
  run(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void>;
}

export function createTaskSwitch(isOn: boolean): TaskSwitch {
  let off = new AbortController();
  if (!isOn) off.abort();
  const waiting = new Set<() => void>();
  const running = new Set<Promise<void>>();

  const whenOn = async (signal: AbortSignal): Promise<void> => {
    if (!off.signal.aborted || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        waiting.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      waiting.add(end);
      signal.addEventListener('abort', end);
    });
  };

  return {
    get isOn() {
      return !off.signal.aborted;
    },
    turnOn() {
      if (off.signal.aborted) off = new AbortController();
      for (const end of waiting) end();
    },
    async turnOff() {
      off.abort();
      await Promise.all(running);
    },
    async run(work, signal) {
      for (;;) {
        await whenOn(signal);
        if (signal.aborted) return;
        const round = work(AbortSignal.any([signal, off.signal]));
        running.add(round);
        await round;
        running.delete(round);
      }
    },
  };
}
