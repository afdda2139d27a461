/**
 * The form of a message that the rules read: lower case, half-width Latin, no markup, no control
 * characters, plain quotes and dashes. It owns no meaning.
 * Decomposed Hangul (conjoining jamo, as a Mac writes it) is composed.
 */

/** Rules look at no more of a message than this: longer texts are pasted matter, not a request by word. */
const ruleCharsMax = 600;

/** Full-width Latin as half-width, curly apostrophes as plain ones. */
export const halfWidth = (text: string): string =>
  text
    .replace(/[\uff01-\uff5e]/g, (char) => String.fromCharCode(char.charCodeAt(0) - 0xfee0))
    .replace(/[\u2018\u2019]/g, "'");

const fold = (text: string): string =>
  halfWidth(text)
    .replace(/[\u2018\u2019\u201a\u2032`´]/g, "'")
    .replace(/[\u201c\u201d\u201e\u300c\u300d\u300e\u300f]/g, '"')
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/[\u301c\u223c\uff5e]/g, '~');

// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
/** Zero-width characters, soft hyphens and directions: invisible, so not a gap between words either. */
const invisible = /\u{fe0f}|[\u{ad}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{2069}\u{feff}]/gu;

/** What the rules and readers see. Never throws, also not on lone surrogates. */
export const rulesText = (message: string): string =>
  fold(message.toWellFormed().normalize('NFC'))
    // A line break parts requests as a comma does.
    .replace(/[\r\n]+/g, ' , ')
    .replace(controls, ' ')
    .replace(invisible, '')
    .replace(/<\/?[a-z][^<>]{0,80}>/gi, ' ')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim();

/** Whether the message is short enough to be a request that rules can judge as a whole. */
export const isShortEnough = (message: string): boolean => message.length <= ruleCharsMax;

// oxlint-disable-next-line no-control-regex -- as above; \n and \t stay
const unwanted = /[\u0000-\u0008\u000b-\u001f\u007f\ufeff]/g;

/** Text for a model or a person: composed Hangul, well-formed, without NUL and other controls but \n and \t. */
export const composedText = (text: string): string =>
  text.toWellFormed().normalize('NFC').replace(unwanted, '');

/** Cuts at a code point, never inside one. */
export function clipText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const end = /[\ud800-\udbff]/.test(text.charAt(charsMax - 1)) ? charsMax - 1 : charsMax;
  return text.slice(0, end);
}

export const hasHangul = (text: string): boolean => /[가-힣ㄱ-ㅎㅏ-ㅣ]/.test(text);
