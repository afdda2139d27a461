/** Lists and tables of words, written as text. */

/** The words of a text, separated by blanks and line ends. */
export const words = (text: string): string[] => text.trim().split(/\s+/);

export const wordSet = (text: string): ReadonlySet<string> => new Set(words(text));

/** Words by their value, from rows such as `[1, 'first|1st']`. */
export const wordTable = <Value>(
  ...rows: readonly (readonly [Value, string])[]
): Readonly<Record<string, Value>> =>
  Object.fromEntries(rows.flatMap(([value, row]) => row.split('|').map((word) => [word, value])));

/** The words of a text numbered from `first`. */
export const numberedWords = (text: string, first = 1): Readonly<Record<string, number>> =>
  Object.fromEntries(words(text).map((word, index) => [word, first + index]));

/** Pattern that matches any of the words: longest first, so that 열두 is not read as 열. */
export const alternation = (list: string | readonly string[]): string =>
  (typeof list === 'string' ? words(list) : list)
    .toSorted((left, right) => right.length - left.length)
    .join('|');
