/** The share of the latest classifications that chose the reasoner, per user and of all. In memory only. */

/** A window of this many decisions follows a change of habit within a day. */
const windowSize = 20;
/** With fewer decisions of a user the share of all counts; with fewer of all there is none. */
const decisionsMin = 5;
/** The users heard last. */
const usersMax = 1_000;

class Window {
  readonly #decisions: boolean[] = [];

  add(isRouted: boolean): void {
    this.#decisions.push(isRouted);
    if (this.#decisions.length > windowSize) this.#decisions.shift();
  }

  get share(): number | null {
    const { length } = this.#decisions;
    return length < decisionsMin ? null : this.#decisions.filter(Boolean).length / length;
  }
}

export class RoutedShare {
  readonly #all = new Window();
  readonly #byUser = new Map<string, Window>();

  add(user: string, isRouted: boolean): void {
    this.#all.add(isRouted);
    const window = this.#byUser.get(user) ?? new Window();
    window.add(isRouted);
    this.#byUser.delete(user);
    this.#byUser.set(user, window);
    if (this.#byUser.size > usersMax) this.#byUser.delete(this.#byUser.keys().next().value!);
  }

  /** 0 to 1; null: too few decisions. */
  of(user: string): number | null {
    return this.#byUser.get(user)?.share ?? this.overall;
  }

  get overall(): number | null {
    return this.#all.share;
  }
}
