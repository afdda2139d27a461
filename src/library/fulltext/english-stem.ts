/** The word without the ending of a plural or a form of a verb. `word`: in lower case. */
export function stemEnglish(word: string): string {
  if (!/^[a-z]{4,}$/.test(word)) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return word
    .replace(/(?:(?<=ss|sh|ch|x)es|(?<![su])s)$/, '')
    .replace(/(?<=[a-z]{3})(?:ing|ed)$/, '');
}
