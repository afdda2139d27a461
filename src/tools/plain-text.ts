/**
 * Makes text from calendars, mails and files safe to hand on: to a model's prompt, to a chat and to a log.
 * What a tool returns is untrusted; it is bounded and shown, never obeyed.
 */

/** Control characters, and the marks that make text read in another order than it is written. */
const unsafe = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+/gu;

/** Characters that look like a space: the fillers of Hangul, and blank Braille. */
const blank = /[\u2800\u3164\uffa0]+/gu;

/**
 * Characters that show nothing, as newsletters put them by the hundred behind a preheader: soft hyphen, the
 * grapheme joiner (`&#847;`), selectors and tags. Joiners and selectors stay where they shape what stands
 * before them: an emoji, or a letter of a script that joins.
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

/** One line of at most `charsMax` characters, an ellipsis where it was cut. Composes decomposed Hangul. */
export function oneLine(text: string, charsMax: number): string {
  // A title of a megabyte costs no more than one of a few lines; a character composes from at most a few.
  const clean = text
    .slice(0, charsMax * 8)
    .replace(invisible, '')
    .replace(unsafe, ' ')
    .replace(blank, ' ')
    .normalize('NFC')
    .replace(/\s+/g, ' ')
    .trim();
  return cut(clean, charsMax);
}

/** At most `charsMax` UTF-16 units, never half a character. */
export function cut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  let end = charsMax - 1;
  if (/[\udc00-\udfff]/.test(text[end] ?? '')) end -= 1;
  return `${text.slice(0, end).trimEnd()}…`;
}

/** Lower case and one form per character, so that what looks the same compares the same. */
export const folded = (text: string): string => text.normalize('NFKC').toLowerCase();

/** The words of a question, folded, at most `wordsMax`. */
export const wordsOf = (query: string, wordsMax = 8): string[] =>
  folded(query)
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .slice(0, wordsMax);

/**
 * Whether every word stands somewhere in the text. Spaces in the text do not count: people write
 * 치과예약 and 치과 예약 for the same thing.
 */
export function containsAll(text: string, words: readonly string[]): boolean {
  const whole = folded(text);
  const closed = whole.replace(/\s+/g, '');
  return words.every((word) => whole.includes(word) || closed.includes(word));
}
