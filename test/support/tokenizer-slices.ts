/** Sees how much text is cut into words at a time, and whether others had their turn in between. */
import { onTestFinished, vi } from 'vitest';

export interface TokenizedSlice {
  /** What was folded at once. */
  chars: number;
  /** Turns of the event loop before it. */
  loopIteration: number;
}

/** All pieces of more than a line from now on, until the test has ended. Once in a test. */
export function watchTokenizerSlices(): TokenizedSlice[] {
  const slices: TokenizedSlice[] = [];
  let loopIteration = 0;
  let timer = setImmediate(function count() {
    loopIteration += 1;
    timer = setImmediate(count);
  });
  const normalize = String.prototype.normalize;
  const spy = vi.spyOn(String.prototype, 'normalize').mockImplementation(function (
    this: string,
    form?: string,
  ) {
    if (this.length > 1_000) slices.push({ chars: this.length, loopIteration });
    return normalize.call(this, form);
  });
  onTestFinished(() => {
    clearImmediate(timer);
    spy.mockRestore();
  });
  return slices;
}
