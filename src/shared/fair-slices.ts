/**
 * Fair scheduling of long reads on the one thread that also commits: each round of the event loop runs one slice, and
 * callers are served round-robin. A caller with many long reads delays only its own reads; requests, timers and sockets
 * run in between. All readers of a process share one scheduler.
 */
export interface FairSlices {
  /** Resolves when this caller may run one slice of about a millisecond. `who`: a user id; `''` is the operator. */
  wait(who: string): Promise<void>;
  /** Yields the pieces of a long text, in slices of about a millisecond; empty pieces are skipped. */
  iterate(who: string, pieces: AsyncIterable<string>): AsyncGenerator<string>;
}

const sliceMs = 1;

export function createFairSlices(): FairSlices {
  const waitingByCaller = new Map<string, (() => void)[]>();
  let isScheduled = false;

  /** Round-robin: a caller that has been served goes to the end of the queue. */
  const runNext = (): void => {
    const [next] = waitingByCaller;
    if (next === undefined) return;
    const [who, queue] = next;
    const resolve = queue.shift();
    waitingByCaller.delete(who);
    if (queue.length > 0) waitingByCaller.set(who, queue);
    resolve?.();
  };
  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      runNext();
      if (waitingByCaller.size > 0) schedule();
    });
  };
  const wait = (who: string): Promise<void> =>
    new Promise((resolve) => {
      const queue = waitingByCaller.get(who);
      if (queue === undefined) waitingByCaller.set(who, [resolve]);
      else queue.push(resolve);
      schedule();
    });

  return {
    wait,
    async *iterate(who, pieces) {
      await wait(who);
      let beganAt = performance.now();
      for await (const piece of pieces) {
        if (piece !== '') yield piece;
        if (performance.now() - beganAt < sliceMs) continue;
        await wait(who);
        beganAt = performance.now();
      }
    },
  };
}
