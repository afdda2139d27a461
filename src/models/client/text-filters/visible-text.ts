/** Assembles the visible part of an answer: trims leading space and the gaps that dropped tokens leave. */
import { TextContext } from './text-context.ts';

export class VisibleText {
  readonly #onText: (text: string, replace: boolean) => void;
  /** Text held until it is known whether it is thinking; null when text is shown at once. */
  #awaiting: string | null;
  #eatSpace = true;
  /** A token was dropped here. Holds the space after it, which counts only when more text follows. */
  #gap: string | null = null;
  #beginning = '';
  /** Context of the next text. */
  readonly context = new TextContext();

  constructor(awaits: boolean, onText: (text: string, replace: boolean) => void) {
    this.#onText = onText;
    this.#awaiting = awaits ? '' : null;
  }

  /** The first characters of the text, at most 16; empty without text. */
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
    this.context.add(whole);
    if (this.#beginning.length < 16) this.#beginning = (this.#beginning + whole).slice(0, 16);
    if (this.#awaiting === null) this.#onText(whole.toWellFormed(), false);
    else this.#awaiting += whole;
  }

  /** A marker was dropped. `text` is shown after all when more text follows. */
  drop(text = ''): void {
    if (!this.isEmpty) this.#gap = (this.#gap ?? '') + text;
  }

  /** Begins another message of the same answer. */
  breakMessage(): void {
    if (!this.isEmpty) this.#gap = '\n\n';
    this.#eatSpace = true;
  }

  eatSpace(): void {
    this.#eatSpace = true;
  }

  /** Revokes all text so far: it was thinking. */
  retract(): void {
    if (this.#awaiting !== null) this.#awaiting = null;
    else if (!this.isEmpty) this.#onText('', true);
    this.context.reset();
    this.#beginning = '';
    this.#gap = null;
    this.#eatSpace = true;
  }

  /** Shows the held text, and from now on all text at once. */
  showAwaited(): void {
    const held = this.#awaiting;
    this.#awaiting = null;
    if (held) this.#onText(held.toWellFormed(), false);
  }

  /** Whether text is held and not empty. */
  get isHeld(): boolean {
    return Boolean(this.#awaiting);
  }
}
