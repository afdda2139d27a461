/** The part of an answer that a person sees, as it is put together: space before it, what dropped tokens leave behind. */
import { TextPlace } from './text-place.ts';

export class VisibleText {
  readonly #onText: (text: string, replace: boolean) => void;
  /** Text of which it is not known yet whether it is thinking; null when text is shown at once. */
  #awaiting: string | null;
  #eatSpace = true;
  /** A token was dropped here. Holds the space behind it, which counts only when more text follows. */
  #gap: string | null = null;
  #beginning = '';
  /** Where the next text will stand. */
  readonly place = new TextPlace();

  constructor(awaits: boolean, onText: (text: string, replace: boolean) => void) {
    this.#onText = onText;
    this.#awaiting = awaits ? '' : null;
  }

  /** The first characters of the text; empty while there is none. */
  get beginning(): string {
    return this.#beginning;
  }

  get isEmpty(): boolean {
    return this.#beginning === '';
  }

  show(text: string): void {
    const rest = this.#eatSpace ? text.trimStart() : text;
    if (rest === '') return;
    if (this.#gap !== null && rest.trim() === '') {
      this.#gap += rest;
      return;
    }
    const whole = `${this.#gap ?? ''}${rest}`;
    this.#gap = null;
    this.#eatSpace = false;
    this.place.add(whole);
    if (this.#beginning.length < 16) this.#beginning = (this.#beginning + whole).slice(0, 16);
    if (this.#awaiting === null) this.#onText(whole.toWellFormed(), false);
    else this.#awaiting += whole;
  }

  /** Something was dropped. `text` comes back when more text follows. */
  drop(text = ''): void {
    if (!this.isEmpty) this.#gap = (this.#gap ?? '') + text;
  }

  /** Another message of the same answer begins. */
  breakMessage(): void {
    if (!this.isEmpty) this.#gap = '\n\n';
    this.#eatSpace = true;
  }

  eatSpace(): void {
    this.#eatSpace = true;
  }

  /** All text so far was thinking. */
  retract(): void {
    if (this.#awaiting !== null) this.#awaiting = null;
    else if (!this.isEmpty) this.#onText('', true);
    this.place.reset();
    this.#beginning = '';
    this.#gap = null;
    this.#eatSpace = true;
  }

  /** Text is shown at once from now on, with what was held. */
  showAwaited(): void {
    const held = this.#awaiting;
    this.#awaiting = null;
    if (held) this.#onText(held.toWellFormed(), false);
  }

  /** Text is being held, and there is some. */
  get isHeld(): boolean {
    return Boolean(this.#awaiting);
  }
}
