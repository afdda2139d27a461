/**
 * Webhooks of one conversation, one after another. Optionally a webhook lets the next one overtake it, as a NAS
 * with several workers could.
 */

/** How long one that is to be overtaken waits for another to come. */
const overtakeWaitMs = 200;

interface Turn {
  run: () => Promise<void>;
  /** Not yet overtaken, but it is to be. */
  letsPass: boolean;
}

export class Lane {
  readonly #turns: Turn[] = [];
  #isRunning = false;
  #timer: NodeJS.Timeout | null = null;

  add(run: () => Promise<void>, letsPass: boolean): void {
    this.#turns.push({ run, letsPass });
    this.#next();
  }

  /** Forgets what has not begun. */
  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#turns.length = 0;
  }

  #next(): void {
    const [first, second] = this.#turns;
    if (this.#isRunning || first === undefined) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (first.letsPass) {
      if (second === undefined) {
        this.#timer = setTimeout(() => {
          first.letsPass = false;
          this.#next();
        }, overtakeWaitMs);
        return;
      }
      first.letsPass = false;
      this.#turns.splice(0, 2, second, first);
      second.letsPass = false;
    }
    const turn = this.#turns.shift();
    if (turn === undefined) return;
    this.#isRunning = true;
    void turn.run().finally(() => {
      this.#isRunning = false;
      this.#next();
    });
  }
}
