/**
 * Where in a text a marker stands: in code, between quotes, inside of a sentence. An answer may talk about the markup
 * of models, and then the marker is a word of it.
 */

const LINE_CHARS_MAX = 400;
/** What has to be seen behind a marker before `isInSentence` can answer, unless the line or the text ends before. */
export const NEIGHBOUR_CHARS = 6;

const openingQuotes = '`"\'“‘「『《〈(*_';
const closingQuotes = '`"\'”’」』》〉)*_';
const fence = /^\s{0,3}(?:```|~~~)/;
/** Particles that follow a Korean noun without a space. */
const particle =
  /^(?:은|는|을|를|란|로|으로|의|에|에서|과|와|도|만|까지|부터|라는|이라는|라고|이라고|처럼|가|인)(?=[\s,.)])/;
const sentenceEnd = /[.!?。:…~]["'”’)*]?$/;

export class TextPlace {
  /** The current line, its beginning and its end. */
  #head = '';
  #tail = '';
  #backticks = 0;
  #fenceOpen = false;

  /** Text that has been read. */
  add(text: string): void {
    const lines = text.split('\n');
    for (const [at, line] of lines.entries()) {
      if (at > 0) this.#nextLine();
      if (line === '') continue;
      if (this.#head.length < 8) this.#head = (this.#head + line).slice(0, 8);
      this.#tail = (this.#tail + line).slice(-LINE_CHARS_MAX);
      for (const char of line) if (char === '`') this.#backticks++;
    }
  }

  /** Inside of a block between fences, or of a span between backticks on this line. */
  get isCode(): boolean {
    if (fence.test(this.#head) !== this.#fenceOpen) return !fence.test(this.#head);
    return !fence.test(this.#head) && this.#backticks % 2 === 1;
  }

  get isAfterQuote(): boolean {
    return this.#tail !== '' && openingQuotes.includes(this.#tail.at(-1) ?? '');
  }

  /** Between two quotes, brackets or backticks that touch it. */
  isQuoted(after: string): boolean {
    return this.isAfterQuote && after !== '' && closingQuotes.includes(after.charAt(0));
  }

  /**
   * The sentence goes on across the marker: words stand before it on its line and do not end there, and behind it
   * come a particle or a comma, or it stands between two spaces and a word follows.
   */
  isInSentence(after: string): boolean {
    if (particle.test(after)) return true;
    const before = this.#tail.trimEnd();
    if (before === '' || sentenceEnd.test(before)) return false;
    if (/^[,;:.)]/.test(after)) return true;
    return before !== this.#tail && /^[ \t]+[^\s<[]/.test(after);
  }

  /** All of it was taken back. */
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
