/**
 * The webhooks of one conversation, sent one after another. Optionally the next webhook overtakes one, as on a NAS with
 * several workers.
 */

/** How long a webhook that may be overtaken waits for the next one. */
const overtakeWaitMs = 200;

interface QueuedWebhook {
  run: () => Promise<void>;
  /** The next webhook is sent before it; reset when that has happened. */
  mayBeOvertaken: boolean;
}

export class WebhookQueue {
  readonly #queued: QueuedWebhook[] = [];
  #isRunning = false;
  #timer: NodeJS.Timeout | null = null;

  add(run: () => Promise<void>, letsPass: boolean): void {
    this.#queued.push({ run, mayBeOvertaken: letsPass });
    this.#next();
  }

  /** Drops queued webhooks. */
  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#queued.length = 0;
  }

  #next(): void {
    const [first, second] = this.#queued;
    if (this.#isRunning || first === undefined) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (first.mayBeOvertaken) {
      if (second === undefined) {
        this.#timer = setTimeout(() => {
          first.mayBeOvertaken = false;
          this.#next();
        }, overtakeWaitMs);
        return;
      }
      first.mayBeOvertaken = false;
      this.#queued.splice(0, 2, second, first);
      second.mayBeOvertaken = false;
    }
    const next = this.#queued.shift();
    if (next === undefined) return;
    this.#isRunning = true;
    void next.run().finally(() => {
      this.#isRunning = false;
      this.#next();
    });
  }
}
