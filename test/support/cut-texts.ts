/** Sees how much text is cut into words at a time, and whether others had their turn in between. */
import { onTestFinished, vi } from 'vitest';

export interface CutText {
  /** What was folded at once. */
  chars: number;
  /** Turns of the event loop before it. */
  turn: number;
}

/** All pieces of more than a line from now on, until the test has ended. Once in a test. */
export function watchCutting(): CutText[] {
  const cut: CutText[] = [];
  let turn = 0;
  let timer = setImmediate(function count() {
    turn += 1;
    timer = setImmediate(count);
  });
  const normalize = String.prototype.normalize;
  const spy = vi.spyOn(String.prototype, 'normalize').mockImplementation(function (
    this: string,
    form?: string,
  ) {
    if (this.length > 1_000) cut.push({ chars: this.length, turn });
    return normalize.call(this, form);
  });
  onTestFinished(() => {
    clearImmediate(timer);
    spy.mockRestore();
  });
  return cut;
}
