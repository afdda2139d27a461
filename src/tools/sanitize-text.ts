/** Makes foreign text safe for a prompt, a chat and a log: bounded and shown, never followed as an instruction. */

/** Control characters, and marks that change the direction of text. */
const unsafe = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/gu;

/** Characters that look like a space: Hangul fillers and blank Braille. */
const blank = /[\u2800\u3164\uffa0]+/gu;

/**
 * Invisible characters, which newsletters put by the hundred after a preheader: soft hyphen, the grapheme joiner
 * (`&#847;`), variation selectors and tags. Joiners and selectors are kept if they shape the character before them:
 * an emoji, or a letter of a script that joins.
 */
const invisible = new RegExp(
  [
    String.raw`[\u00ad\u034f\u17b4\u17b5\u180b-\u180f\u{e0000}-\u{e007f}]+`,
    String.raw`(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f\u0600-\u06ff\u0900-\u109f])[\u200c\u200d]+`,
    String.raw`[\u200c\u200d]+(?=[\s\u00ad\u034f\u200b-\u200d\u2060\ufeff]|$)`,
    String.raw`(?<![\p{Extended_Pictographic}\d#*])[\ufe00-\ufe0f]+`,
  ].join('|'),
  'gu',
);

/** One line of at most `charsMax` characters, with an ellipsis if it was cut. Composes decomposed Hangul. */
export function oneLine(text: string, charsMax: number): string {
  // Bounds the work for a huge text; eight times, because a character may be composed from several.
  const clean = text
    .slice(0, charsMax * 8)
    .replace(invisible, '')
    .replace(unsafe, ' ')
    .replace(blank, ' ')
    .normalize('NFC')
    .replace(/\s+/g, ' ')
    .trim();
  return truncate(clean, charsMax);
}

/** At most `charsMax` UTF-16 code units; never splits a surrogate pair. */
export function truncate(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  let end = charsMax - 1;
  if (/[\udc00-\udfff]/.test(text[end] ?? '')) end -= 1;
  return `${text.slice(0, end).trimEnd()}…`;
}

/** Lower case and one form per character (NFKC), so that texts that look the same compare equal. */
export const foldCase = (text: string): string => text.normalize('NFKC').toLowerCase();

/** The words of a query, folded, at most `wordsMax`. */
export const splitWords = (query: string, wordsMax = 8): string[] =>
  foldCase(query)
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .slice(0, wordsMax);

/** Whether the text contains every word. Spaces do not matter: 치과예약 and 치과 예약 are the same word. */
export function containsAllWords(text: string, words: readonly string[]): boolean {
  const whole = foldCase(text);
  const closed = whole.replace(/\s+/g, '');
  return words.every((word) => whole.includes(word) || closed.includes(word));
}
