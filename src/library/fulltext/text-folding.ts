/**
 * One form for letters that are equal in a search: full and half width, capitals, decomposed and composed, é and e, ß
 * and ss. Texts and queries are both folded; otherwise nothing is found.
 */

/** Invisible characters: a soft hyphen of a typesetter, zero-width characters of a web page. */
const invisible = /[\u00ad\u200b-\u200d\u2060\ufeff]/g;

/** Latin letters that have no decomposition, or whose usual plain spelling is longer. */
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

/** Spellings of two letters, and the one letter that each may stand for. */
export const digraphs: ReadonlyMap<string, string> = new Map(
  Object.entries(spelled).flatMap(([letter, two]) => (two.length === 2 ? [[two, letter]] : [])),
);

/** Only Latin: a mark on another letter makes a different letter (й, ガ). */
const accented = /[\u00df-\u024f\u1e00-\u1eff]|(?<=[a-z])\p{Mn}+/gu;

/** Normal width, composed, lower case; accents stay. */
export const composeText = (text: string): string =>
  text.replace(invisible, '').normalize('NFKC').toLowerCase();

/** Composed text without accents on Latin letters. */
export const stripAccents = (text: string): string =>
  text.replace(
    accented,
    (letter) => spelled[letter] ?? letter.normalize('NFD').replace(/\p{Mn}/gu, ''),
  );

/** The form in which texts are compared. */
export const foldText = (text: string): string => stripAccents(composeText(text));
