/**
 * Tracks the context of a marker in a text: in code, between quotes, inside a sentence. An answer may discuss the
 * markup of models, and then a marker is a word of the text.
 */

const lineCharsMax = 400;
/** Characters after a marker that `isInSentence` needs, unless the line or the text ends before. */
export const neighbourChars = 6;

const openingQuotes = '`"\'“‘「『《〈(*_';
const closingQuotes = '`"\'”’」』》〉)*_';
const fence = /^\s{0,3}(?:```|~~~)/;
/** Particles that follow a Korean noun without a space. */
const particle =
  /^(?:은|는|을|를|란|로|으로|의|에|에서|과|와|도|만|까지|부터|라는|이라는|라고|이라고|처럼|가|인)(?=[\s,.)])/;
const sentenceEnd = /[.!?。:…~]["'”’)*]?$/;

export class TextContext {
  /** Start and end of the current line. */
  #head = '';
  #tail = '';
  #backticks = 0;
  #fenceOpen = false;

  /** Adds text. */
  add(text: string): void {
    const lines = text.split('\n');
    for (const [at, line] of lines.entries()) {
      if (at > 0) this.#nextLine();
      if (line === '') continue;
      if (this.#head.length < 8) this.#head = (this.#head + line).slice(0, 8);
      this.#tail = (this.#tail + line).slice(-lineCharsMax);
      for (const char of line) if (char === '`') this.#backticks++;
    }
  }

  /** Inside a fenced code block, or a backtick span on this line. */
  get isCode(): boolean {
    if (fence.test(this.#head) !== this.#fenceOpen) return !fence.test(this.#head);
    return !fence.test(this.#head) && this.#backticks % 2 === 1;
  }

  get isAfterQuote(): boolean {
    return this.#tail !== '' && openingQuotes.includes(this.#tail.at(-1) ?? '');
  }

  /** Directly between two quotes, brackets or backticks. */
  isQuoted(after: string): boolean {
    return this.isAfterQuote && after !== '' && closingQuotes.includes(after.charAt(0));
  }

  /**
   * The sentence continues across the marker: the line has words before it that do not end a sentence, and after it
   * come a particle or a comma, or it is between two spaces and a word follows.
   */
  isInSentence(after: string): boolean {
    if (particle.test(after)) return true;
    const before = this.#tail.trimEnd();
    if (before === '' || sentenceEnd.test(before)) return false;
    if (/^[,;:.)]/.test(after)) return true;
    return before !== this.#tail && /^[ \t]+[^\s<[]/.test(after);
  }

  /** All text was revoked. */
  reset(): void {
    this.#nextLine();
    this.#fenceOpen = false;
  }

  get isLineStart(): boolean {
    return this.#tail === '';
  }

  #nextLine(): void {
    if (fence.test(this.#head)) this.#fenceOpen = !this.#fenceOpen;
    this.#head = '';
    this.#tail = '';
    this.#backticks = 0;
  }
}
