/** A view that asks for its data again and again while it is shown. */
import { View } from '#shared/page/ui';

export abstract class PolledView extends View {
  readonly #everyMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(element: ConstructorParameters<typeof View>[0], everyMs: number) {
    super(element);
    this.#everyMs = everyMs;
  }

  /** Asks for the data and draws. Never rejects. */
  protected abstract look(): Promise<void>;

  /** Asks now, and from now on. */
  protected poll(): void {
    this.close();
    void this.look();
    this.#timer = setInterval(() => void this.look(), this.#everyMs);
  }

  /** The view is not shown any more. */
  close(): void {
    clearInterval(this.#timer);
  }
}
