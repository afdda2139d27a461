/**
 * Texts pasted into a line. A long text is shown as a short placeholder, because a line cannot be longer than the
 * screen.
 */

/** As much as can still be read and edited in the line. */
const inlineCharsMax = 800;
const inlineLinesMax = 8;

/** A pasted text as it enters a message: lines end with \n, other control characters are dropped. */
export const pastedText = (raw: string): string =>
  raw
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/(?![\n\t])\p{Cc}/gu, '')
    .replace(/\n+$/, '')
    // macOS copies Korean in decomposed form.
    .normalize('NFC');

export class PastedTexts {
  readonly #texts = new Map<string, string>();

  /** The text itself, or a placeholder for it. */
  collapse(text: string): string {
    const lines = text.split('\n').length;
    if (text.length <= inlineCharsMax && lines <= inlineLinesMax) return text;
    const mark = `[pasted ${this.#texts.size + 1}: ${lines} lines, ${text.length} characters]`;
    this.#texts.set(mark, text);
    return mark;
  }

  /** The line with the texts in place of their placeholders. */
  expand(line: string): string {
    let whole = line;
    for (const [mark, text] of [...this.#texts].toReversed()) {
      whole = whole.replaceAll(mark, () => text);
    }
    return whole;
  }
}
