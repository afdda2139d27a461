/** Replaces texts inside other texts and inside JSON. Pure. */

/** Stands where a forgotten text was. */
export const forgottenMark = '[forgotten]';

const special = /[\\^$.*+?()[\]{}|/-]/g;

/** Letters and digits on both sides of a place belong to another word. */
const placesOf = (text: string): RegExp => {
  const before = /^[A-Za-z\d]/.test(text) ? '(?<![A-Za-z\\d])' : '';
  const after = /[A-Za-z\d]$/.test(text) ? '(?![A-Za-z\\d])' : '';
  return new RegExp(`${before}${text.replaceAll(special, '\\$&')}${after}`, 'g');
};

/** @param secrets longest first, so that none is left in part */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const places = [...new Set(secrets)]
    .filter((one) => one.trim() !== '')
    .sort((a, b) => b.length - a.length)
    .map(placesOf);
  return (text) => places.reduce((left, place) => left.replace(place, forgottenMark), text);
}

/** Fields with words of people and models; in all others a single word is a name of the program. */
const wordFields = new Set(['text', 'message', 'content', 'reply', 'response', 'summary', 'title']);
const programWord = /^[\w.:-]+$/;

/** All strings of a value, but no names, ids and times of the program. */
export function redactValue(value: unknown, redact: (text: string) => string, field = ''): unknown {
  if (typeof value === 'string') {
    return !wordFields.has(field) && programWord.test(value) ? value : redact(value);
  }
  if (Array.isArray(value)) return value.map((one) => redactValue(one, redact, field));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, redactValue(one, redact, key)]),
  );
}
