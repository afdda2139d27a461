/**
 * One form for letters that look or count the same: full width and half, capitals, decomposed and composed, é and
 * e, ß and ss. Texts and questions are both folded, or nothing is found.
 */

/** Invisible: a soft hyphen of a typesetter, zero-width characters of a web page. */
const invisible = /[\u00ad\u200b-\u200d\u2060\ufeff]/g;

/** Latin letters that have no decomposition, or whose usual spelling without them is longer. */
const spelled: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ħ: 'h',
  ı: 'i',
};

/** The two letters that one letter may stand for, and it. */
export const digraphs: ReadonlyMap<string, string> = new Map(
  Object.entries(spelled).flatMap(([letter, two]) => (two.length === 2 ? [[two, letter]] : [])),
);

/** Only Latin: a mark on another letter makes another one (й, ガ). */
const accented = /[\u00df-\u024f\u1e00-\u1eff]|(?<=[a-z])\p{Mn}+/gu;

/** One width, composed, lower case; accents stay. */
export const composed = (text: string): string =>
  text.replace(invisible, '').normalize('NFKC').toLowerCase();

/** Composed text without accents on Latin letters. */
export const withoutAccents = (text: string): string =>
  text.replace(
    accented,
    (letter) => spelled[letter] ?? letter.normalize('NFD').replace(/\p{Mn}/gu, ''),
  );

/** What is compared. */
export const folded = (text: string): string => withoutAccents(composed(text));
