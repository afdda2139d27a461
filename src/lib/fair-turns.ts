/**
 * Slices of long reads on the one thread that also commits: in each round of the event loop one slice runs, and the
 * callers take turns. A caller with many long reads delays its own reads; requests, timers and sockets go in between.
 */

const waiting = new Map<string, (() => void)[]>();
let isScheduled = false;

/** Resolves when it is this caller's turn to run one slice of about a millisecond. `who`: a user id; `''` the operator. */
export const fairTurn = (who: string): Promise<void> =>
  new Promise((resolve) => {
    const own = waiting.get(who);
    if (own === undefined) waiting.set(who, [resolve]);
    else own.push(resolve);
    schedule();
  });

const sliceMs = 1;

/** Pieces of a long text, made in slices of about a millisecond; empty ones are left out. */
export async function* inFairSlices(who: string, pieces: Iterable<string>): AsyncGenerator<string> {
  await fairTurn(who);
  let beganAt = performance.now();
  for (const piece of pieces) {
    if (piece !== '') yield piece;
    if (performance.now() - beganAt < sliceMs) continue;
    await fairTurn(who);
    beganAt = performance.now();
  }
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(() => {
    isScheduled = false;
    runNext();
    if (waiting.size > 0) schedule();
  });
}

/** The caller whose turn it was goes to the end of the line. */
function runNext(): void {
  const [next] = waiting;
  if (next === undefined) return;
  const [who, line] = next;
  const run = line.shift();
  waiting.delete(who);
  if (line.length > 0) waiting.set(who, line);
  run?.();
}
