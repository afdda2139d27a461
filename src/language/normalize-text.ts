/**
 * Normalises a message for the rules: lower case, half-width Latin, no markup, no control characters, plain quotes and
 * dashes. The meaning is not considered. Decomposed Hangul (conjoining jamo, as macOS writes it) is composed.
 */

/** Longer texts are pasted text, not a request that rules can judge. */
const ruleCharsMax = 600;

/** Full-width Latin to half-width, curly apostrophes to plain ones. */
export const toHalfWidth = (text: string): string =>
  text
    .replace(/[\uff01-\uff5e]/g, (char) => String.fromCharCode(char.charCodeAt(0) - 0xfee0))
    .replace(/[\u2018\u2019]/g, "'");

const foldPunctuation = (text: string): string =>
  toHalfWidth(text)
    .replace(/[\u2018\u2019\u201a\u2032`´]/g, "'")
    .replace(/[\u201c\u201d\u201e\u300c\u300d\u300e\u300f]/g, '"')
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/[\u301c\u223c\uff5e]/g, '~');

// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
/** Zero-width characters, soft hyphens and direction marks: invisible, so they do not separate words. */
const invisible = /\u{fe0f}|[\u{ad}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{2069}\u{feff}]/gu;

/** The text that rules and parsers read. Never throws, not even on lone surrogates. */
export const normalizeForRules = (message: string): string => normalizeCased(message).toLowerCase();

/** The same with capitals, for words that are shown to the user again. */
export const normalizeCased = (message: string): string =>
  foldPunctuation(message.toWellFormed().normalize('NFC'))
    // A line break separates requests, as a comma does.
    .replace(/[\r\n]+/g, ' , ')
    .replace(controls, ' ')
    .replace(invisible, '')
    .replace(/<\/?[a-z][^<>]{0,80}>/gi, ' ')
    .replace(/\s+/g, ' ')
    .trim();

export const isShortEnough = (message: string): boolean => message.length <= ruleCharsMax;

// oxlint-disable-next-line no-control-regex -- as above; \n and \t stay
const unwanted = /[\u0000-\u0008\u000b-\u001f\u007f\ufeff]/g;

/** Text for a model or a user: composed Hangul, well-formed, without control characters except \n and \t. */
export const cleanText = (text: string): string =>
  text.toWellFormed().normalize('NFC').replace(unwanted, '');

/** Never cuts inside a code point. */
export function truncateText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const end = /[\ud800-\udbff]/.test(text.charAt(charsMax - 1)) ? charsMax - 1 : charsMax;
  return text.slice(0, end);
}

export const hasHangul = (text: string): boolean => /[가-힣ㄱ-ㅎㅏ-ㅣ]/.test(text);
