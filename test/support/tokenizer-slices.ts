/** Records how much text is tokenized at a time, and whether the event loop ran in between. */
import { onTestFinished, vi } from 'vitest';

export interface TokenizedSlice {
  /** The number of characters in this slice. */
  chars: number;
  /** Turns of the event loop before this slice. */
  loopIteration: number;
}

/** All slices of more than a line, from now on until the test has ended. To be called once per test. */
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
