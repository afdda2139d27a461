/** What was pasted into a line. A long text stands there as a short mark, for a line cannot be longer than the screen. */

/** As much as still can be read and changed in the line. */
const inlineCharsMax = 800;
const inlineLinesMax = 8;

/** A pasted text as it goes into a message: lines end with \n, other control characters are dropped. */
export const pastedText = (raw: string): string =>
  raw
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/(?![\n\t])\p{Cc}/gu, '')
    .replace(/\n+$/, '')
    // macOS copies Korean decomposed.
    .normalize('NFC');

export class PastedTexts {
  readonly #texts = new Map<string, string>();

  /** The text itself, or the mark in its place. */
  folded(text: string): string {
    const lines = text.split('\n').length;
    if (text.length <= inlineCharsMax && lines <= inlineLinesMax) return text;
    const mark = `[pasted ${this.#texts.size + 1}: ${lines} lines, ${text.length} characters]`;
    this.#texts.set(mark, text);
    return mark;
  }

  /** The line with the texts in the places of their marks. */
  unfolded(line: string): string {
    let whole = line;
    for (const [mark, text] of [...this.#texts].toReversed()) {
      whole = whole.replaceAll(mark, () => text);
    }
    return whole;
  }
}
